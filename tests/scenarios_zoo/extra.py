"""A finding that is not declared."""

from _engine import Value

SCENARIO = {"order": 3}

Value.broken = True
a = Value(3.0)
b = a + a
b.backward()
