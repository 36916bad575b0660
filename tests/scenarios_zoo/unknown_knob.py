"""Declares findings for a knob that it does not have, for a value that it does not take, and for one that it does."""

import gradtui

SCENARIO = {"order": 10, "findings": {"step=1": [], "steps=many": [], "steps=2": []}}

steps = gradtui.knob("steps", 1)
assert steps == 2
