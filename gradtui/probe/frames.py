"""Frames: which of them are the user's own, and reading a function's variables without leaving a trace.

Up to Python 3.12, `frame.f_locals` of a function makes a dict that stays with the frame: what it holds
outlives a `del` in the function. It is emptied again, unless the program has got hold of it (`locals()`).
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from gradtui.probe.places import Places, of_probe

_OPTIMIZED = 0x1
"""`CO_OPTIMIZED`: a function, whose variables live in the frame."""
_KEPT = sys.version_info < (3, 13)
_OURS = 3
"""References to the dict when only its frame, we and the question know it."""


def variables(frame: FrameType) -> dict[str, Any]:
    """A copy of a frame's variables by name."""
    found = frame.f_locals
    copy = dict(found)
    if _KEPT and of_function(frame) and sys.getrefcount(found) <= _OURS:
        found.clear()
    return copy


def variable(frame: FrameType, name: str) -> Any:
    """One variable, None where the frame has none of that name."""
    found = frame.f_locals
    value = found.get(name)
    if _KEPT and of_function(frame) and sys.getrefcount(found) <= _OURS:
        found.clear()
    return value


def of_function(frame: FrameType) -> bool:
    """Does a function run here? A module's or class's variables lie in a dict of its own."""
    return bool(frame.f_code.co_flags & _OPTIMIZED)


def of_module(frame: FrameType) -> bool:
    """Does a module's own code run here?"""
    return not of_function(frame) and frame.f_locals is frame.f_globals


def library_frames(frame: FrameType | None, places: Places) -> list[FrameType]:
    """The frames from `frame` outwards up to the first of the user's, the probe's own left out."""
    between = []
    while frame is not None and not places.is_user(frame.f_code):
        if not of_probe(frame.f_code):
            between.append(frame)
        frame = frame.f_back
    return between if frame is not None else []


def user_frames(frame: FrameType | None, places: Places) -> list[FrameType]:
    """The frames from `frame` outwards whose code is the user's; the first that is not ours if none is."""
    every = []
    while frame is not None:
        if not of_probe(frame.f_code):
            every.append(frame)
        frame = frame.f_back
    return [f for f in every if places.is_user(f.f_code)] or every[:1]
