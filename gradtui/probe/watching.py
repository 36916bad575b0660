"""Watched expressions: what each gives where the program stands."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any

from gradtui.probe.expressions import raised
from gradtui.probe.numbers import number
from gradtui.wire.messages import Seen

LONGEST = 200
"""Characters of a text that is no number."""


class Watches:
    """The expressions that are evaluated at every stop."""

    def __init__(self) -> None:
        self._codes: list[tuple[str, CodeType | str]] = []

    def __bool__(self) -> bool:
        return bool(self._codes)

    def set(self, expressions: Sequence[str]) -> None:
        """Watch these from now on."""
        self._codes = [(text, _compiled(text)) for text in expressions]

    def seen(self, evaluate: Callable[[CodeType], Any]) -> tuple[Seen, ...]:
        """What each gives. What one raises is told of that one."""
        return tuple([_one(text, code, evaluate) for text, code in self._codes])


def _compiled(text: str) -> CodeType | str:
    try:
        return compile(text.strip(), "<watch>", "eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"no Python expression: {error.msg if isinstance(error, SyntaxError) else error}"


def _one(text: str, code: CodeType | str, evaluate: Callable[[CodeType], Any]) -> Seen:
    if isinstance(code, str):
        return Seen(text, error=code)
    try:
        return seen(text, evaluate(code))
    except BaseException as error:  # the person's expression
        return Seen(text, error=raised(error)[:LONGEST])


def seen(expression: str, result: Any) -> Seen:
    """A result as it crosses the wire: a number, a tensor's summary, else its text."""
    if isinstance(result, bool) or result is None:
        return Seen(expression, text=str(result))
    if is_tensor(result):
        from gradtui.probe.pytorch.summaries import summarize

        return Seen(expression, summarize(result, True))
    value = number(result)
    return Seen(expression, value) if value is not None else Seen(expression, text=text_of(result))


def is_tensor(result: Any) -> bool:
    """A tensor of torch's? Torch is not imported to find out."""
    torch = sys.modules.get("torch")
    kind = getattr(torch, "Tensor", None)
    return kind is not None and isinstance(result, kind)


def text_of(result: Any) -> str:
    """The `repr` of an object of the program's, which may be long or raise."""
    try:
        text = repr(result)
    except Exception as error:
        return f"{type(result).__name__} (its repr raised {type(error).__name__})"
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
