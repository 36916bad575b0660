"""A `_backward` raises."""

from _engine import Value

SCENARIO = {"order": 6, "findings": ["order"]}


def _backward():
    raise ArithmeticError("in the closure")


a = Value(3.0)
b = a + a
b._backward = _backward
b.backward()
