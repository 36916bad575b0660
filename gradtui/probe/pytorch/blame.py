"""Warnings name the line of the program's that they are about, also where its call passes through us.

A warning blames a frame: torch's own the one that called it, `warnings.warn` the one `stacklevel` calls
further out; the frame's module and line also say whether a filter lets it through, and whether it has
been given before. So torch is called from a frame that has the caller's file, line and module, and the
frames of ours further out are such as Python passes over when it counts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType, FrameType, FunctionType
from typing import Any, TypeVar

from torch.overrides import handle_torch_function

from gradtui.probe.places import STAND_IN, of_probe_in
from gradtui.probe.pytorch.private import leaf_of

CROWD = 10_000
"""Places whose code is kept; where a program makes ever new ones, all is made anew."""

_DETOUR = handle_torch_function.__code__
"""Called by torch's functions in Python, which it has call us and then, for us, themselves again."""
_PASSED_OVER = " (importlib._bootstrap)"
"""`warnings` does not count frames of the import system, which it knows by these words in the file's name."""

_HIDDEN = (True,)
"""The default of `__tracebackhide__`, by which pytest leaves a frame out."""
_CALL = (lambda function, args, kwargs, __tracebackhide__=True: function(*args, **kwargs)).__code__  # noqa: ARG005

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


def _one_line(units: int) -> bytes:
    """The table of lines of code that has one and knows no columns: entries of up to 8 units of code."""
    sizes = [8] * (units // 8) + ([units % 8] if units % 8 else [])
    return b"".join(bytes([0x80 | 13 << 3 | size - 1, 0]) for size in sizes)


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
        return FunctionType(known[1], frame.f_globals, None, _HIDDEN)  # anew: it keeps those alive

    def _make(self, frame: FrameType) -> tuple[CodeType, CodeType]:
        code, line = frame.f_code, frame.f_lineno or frame.f_code.co_firstlineno
        body = _CALL.replace(co_filename=code.co_filename, co_firstlineno=line, co_name=STAND_IN)
        if sys.version_info >= (3, 11):  # a traceback would underline what stands in those columns there
            body = body.replace(co_linetable=_one_line(len(body.co_code) // 2))
        if len(self._known) >= CROWD:
            self._known.clear()
        made = self._known[id(code), frame.f_lasti] = code, body
        return made
