"""Declares a finding that there is none of."""

from _engine import Value

SCENARIO = {"order": 4, "findings": ["order", "order"]}

a = Value(3.0)
b = a + a
b.backward()
