"""Gradients that are NaN and infinite."""

from small_engine import Value

a, b = Value(float("inf")), Value(0.0)
y = a * b
y.backward()
print(a.grad, b.grad)
z = Value(float("nan")) * a + b
z.backward()
