"""Asks to be stopped before the passes whose numbers are given; prints as it goes. Needs no torch."""

import sys

sys.modules["torch"] = None  # type: ignore[assignment]  # as where it is not installed

import gradtui  # noqa: E402
from gradtui.scalar import Value  # noqa: E402

passes, stops = int(sys.argv[1]), {int(word) for word in sys.argv[2:]}
w = Value(2.0)
for number in range(1, passes + 1):
    if number in stops:
        gradtui.breakpoint()
        gradtui.breakpoint()
    loss = w * Value(3.0)
    loss.backward()
    print(f"after pass {number}: {w.grad}")
print("the end")
