"""Declares nothing, and nothing is found."""

from _engine import Value

SCENARIO = {"order": 1}

a = Value(3.0)
b = a + a
b.backward()
assert a.grad == 2.0
