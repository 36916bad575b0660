"""Two passes over `y = a * b + a`, with something printed before, between and after them."""

from small_engine import Value

a, b = Value(2.0), Value(-3.0)
print("before")
for turn in (1, 2):
    y = a * b + a
    y.backward()
    print(f"after pass {turn}: a.grad = {a.grad}")
