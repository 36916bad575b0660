"""Leaves with 0, but in the middle of a pass: what the rest of it would have shown nobody knows."""

import os

from _engine import Value

SCENARIO = {"order": 8}

a = Value(3.0)
b = a + a
b._backward = lambda: os._exit(0)
b.backward()
