"""A finding that is declared for one setting of a knob, and none for the other."""

from _engine import Value

import gradtui

SCENARIO = {"order": 2, "findings": {"broken=on": ["overwritten-gradient"], "broken=off": []}}

Value.broken = gradtui.knob("broken", False)
a = Value(3.0)
b = a + a
b.backward()
