"""Warnings name the line of the program's that they are about, also where its call passes through us.

A warning blames a frame: torch's own the one that called it, `warnings.warn` the one `stacklevel` calls
further out; the frame's module and line also say whether a filter lets it through, and whether it has
been given before. So torch is called from a frame that has the caller's file, line and module, and the
frames of ours further out are such as Python passes over when it counts.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType, FrameType, FunctionType
from typing import Any, TypeVar

from torch.overrides import handle_torch_function

from gradtui.probe.places import STAND_IN, of_probe_in
from gradtui.probe.torch_private import leaf_of

CROWD = 10_000
"""Stand-ins that are kept; where a program makes ever new code, all are made anew."""

_DETOUR = handle_torch_function.__code__
"""Called by torch's functions in Python, which it has call us and then, for us, themselves again."""
_PASSED_OVER = " (importlib._bootstrap)"
"""`warnings` does not count frames of the import system, which it knows by these words in the file's name."""

_CALL = (lambda function, args, kwargs: function(*args, **kwargs)).__code__

F = TypeVar("F", bound=Callable[..., Any])


def unseen(function: F) -> F:
    """The function itself; its frames are passed over where warnings count."""
    code: CodeType = function.__code__
    function.__code__ = code.replace(co_filename=code.co_filename + _PASSED_OVER)
    return function


def leave_no_trace(out: Any, before: int) -> None:
    """Where torch notes the stack of each operation (anomaly mode), our frames are not in it.

    `out`: what an operation returned. `before`: the sequence number of the first node that it made.
    """
    todo = [getattr(part, "grad_fn", None) for part in (out if isinstance(out, (tuple, list)) else (out,))]
    while todo:
        node = todo.pop()
        if node is None or node._sequence_nr() < before or leaf_of(node) is not None:
            continue
        lines = node.metadata.get("traceback_")
        if isinstance(lines, list):
            lines[:] = [line for line in lines if not of_probe_in(line)]
        todo += [function for function, _ in node.next_functions]


class Callers:
    """A stand-in for each place of the program's that calls torch."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[CodeType, CodeType]] = {}

    def of(self, frame: FrameType) -> Callable[[Callable[..., Any], Any, Any], Any]:
        """Calls a function with args and kwargs as `frame` would, which has called us."""
        if frame.f_code is _DETOUR and frame.f_back is not None and frame.f_back.f_back is not None:
            frame = frame.f_back.f_back
        code = frame.f_code
        known = self._known.get((id(code), frame.f_lasti))
        if known is None or known[0] is not code:
            known = self._make(frame)
        return FunctionType(known[1], frame.f_globals)  # made anew: kept, it would keep those alive

    def _make(self, frame: FrameType) -> tuple[CodeType, CodeType]:
        code, line = frame.f_code, frame.f_lineno
        body = _CALL.replace(co_filename=code.co_filename, co_firstlineno=line, co_name=STAND_IN)
        if len(self._known) >= CROWD:
            self._known.clear()
        made = self._known[id(code), frame.f_lasti] = code, body
        return made
