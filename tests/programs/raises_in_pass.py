"""A `_backward` that raises in mid-pass."""

from small_engine import Value

a, b = Value(2.0), Value(3.0)
product = a * b
y = product + a


def _backward():
    raise ArithmeticError("in the closure of '*'")


product._backward = _backward
y.backward()
