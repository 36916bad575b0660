"""Breakpoints as a person writes them, and as the program understands them.

nonfinite                        where NaN or Inf begins
module=fc1 norm>10               in a module; a gradient's norm, where it begins
op=Mul* name=x1*                 patterns as of a shell
train.py:12                      nodes that a line of the forward made
pass=3                           the start of a pass; with step=7 that step
held name=*.weight               a leaf enters the pass with a gradient
norm<1e-6 if step_number > 100   a Python expression, evaluated in the program
op=Mul* log {received}           a tracepoint: says a text and goes on
... once   ... ignore=5          stop one time only; let so many pass
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from gradtui.session.errors import BadInput
from gradtui.wire.messages import Breakpoint, Condition

WHERE = "nonfinite, zero, held, norm>X, min<X, max>X, mean>X, op=, name=, module=, FILE.py:LINE, pass=, step="
"""What says where to stop."""
WORDS = f"{WHERE}, ignore=, once, if EXPRESSION, log TEXT"
"""Everything that may stand in a breakpoint."""
_APART = re.compile(r"\b(norm|min|max|mean)\s*([<>])\s*(\S+)", re.IGNORECASE)
_TEST = re.compile(r"(norm|min|max|mean)([<>])(.+)", re.IGNORECASE)
_LINE = re.compile(r"(.+\.pyw?):(\d+)")
_PATTERNS = {"op": "op", "name": "name", "module": "module"}
_COUNTS = {"pass": "number", "step": "step", "ignore": "ignore"}


def parse(text: str, number: int = 0) -> Breakpoint:
    """The breakpoint that a text describes, under an id. Raises `BadInput` with the reason."""
    said = text.strip()
    head, log = _split(said, "log")
    head, expression = _split(head, "if")
    facts: dict[str, Any] = {}
    tests: list[Condition] = []
    for word in head.split():
        test = _test_of(word)
        if test is not None:
            tests.append(test)
        else:
            facts.update(_facts_of(word, said))
    if expression is not None:
        facts["expression"] = _checked(expression, said)
    if log is not None:
        facts["log"] = _checked_text(log, said)
    point = Breakpoint(number, said, tests=tuple(tests), **facts)
    if not _stops_somewhere(point):
        raise BadInput(
            f"breakpoint '{said}' says nowhere to stop: write some of {WHERE}, or behind them if EXPRESSION"
        )
    return point


def _stops_somewhere(point: Breakpoint) -> bool:
    return bool(
        point.op or point.name or point.module or point.line or point.number or point.step
        or point.tests or point.held or point.expression
    )  # fmt: skip


def _split(text: str, word: str) -> tuple[str, str | None]:
    """What stands before a word, and what behind it; None where it does not occur."""
    found = re.search(rf"(?:^|\s){word}(?:\s+|$)", text)
    return (text, None) if found is None else (text[: found.start()], text[found.end() :].strip())


def _test_of(word: str) -> Condition | None:
    lower = word.lower()
    if lower in ("nonfinite", "nan", "inf"):
        return Condition("nonfinite")
    if lower == "zero":
        return Condition("zero")
    found = _TEST.fullmatch(word)
    if found is None:
        return None
    try:
        limit = float(found[3])
    except ValueError:
        raise BadInput(f"breakpoint: '{word}' compares with '{found[3]}', which is no number") from None
    what: Any = found[1].lower()
    sign: Any = found[2]
    return Condition(what, sign, limit)


def _facts_of(word: str, text: str) -> dict[str, Any]:
    if word == "held":
        return {"held": True}
    if word == "once":
        return {"once": True}
    line = _LINE.fullmatch(word)
    if line is not None:
        return {"file": line[1], "line": int(line[2])}
    key, equals, value = word.partition("=")
    if equals and key in _PATTERNS and value:
        return {_PATTERNS[key]: value}
    if equals and key in _COUNTS:
        if not value.isdecimal() or not int(value):
            raise BadInput(f"breakpoint '{text}': {key}= wants a number from 1, not '{value}'")
        return {_COUNTS[key]: int(value)}
    apart = _APART.search(text)
    if apart is not None and word in apart[0].split():
        raise BadInput(f"breakpoint '{text}': no spaces there: write {apart[1]}{apart[2]}{apart[3]}")
    raise BadInput(f"breakpoint '{text}': '{word}' is not understood; it knows {WORDS}")


def _checked(expression: str, text: str) -> str:
    if not expression:
        raise BadInput(f"breakpoint '{text}': write a Python expression behind `if`, such as if g.max() > 1")
    try:
        compile(expression, "<breakpoint>", "eval")
    except (SyntaxError, ValueError) as error:
        what = error.msg if isinstance(error, SyntaxError) else str(error)
        last = expression.split()[-1]
        known = last == "once" or last.partition("=")[0] in {*_PATTERNS, *_COUNTS}
        hint = f"; all behind `if` belongs to it: write {last} before it" if known else ""
        raise BadInput(
            f"breakpoint '{text}': `{expression}` is no Python expression ({what}){hint}"
        ) from None
    return expression


def _checked_text(log: str, text: str) -> str:
    try:
        compile("f" + repr(log), "<tracepoint>", "eval")
    except SyntaxError as error:
        raise BadInput(f"breakpoint '{text}': the text to log does not compile ({error.msg})") from None
    return log


@dataclass
class Breakpoints:
    """The breakpoints of a program, in the order in which they were set; ids count from 1."""

    points: list[Breakpoint] = field(default_factory=list)
    tell: Callable[[tuple[Breakpoint, ...]], None] = lambda _: None
    """Called with all of them when one has changed."""
    _last: int = 0

    def __post_init__(self) -> None:
        self._last = max((point.id for point in self.points), default=0)

    def add(self, text: str) -> Breakpoint:
        """Set one. Raises `BadInput`."""
        point = parse(text, self._last + 1)
        self._last += 1
        self._set([*self.points, point])
        return point

    def add_all(self, texts: Iterable[str]) -> None:
        """Set several, or none of them where one is wrong. Raises `BadInput`."""
        points = [parse(text, self._last + i) for i, text in enumerate(texts, 1)]
        self._last += len(points)
        self._set([*self.points, *points])

    def remove(self, number: int) -> None:
        """Take one away. Raises `BadInput` where there is none of that number."""
        self._set([point for point in self.points if point is not self.numbered(number)])

    def toggle(self, number: int) -> Breakpoint:
        """Disable one, or enable it again. Raises `BadInput` where there is none of that number."""
        old = self.numbered(number)
        changed = replace(old, enabled=not old.enabled)
        self._set([changed if point is old else point for point in self.points])
        return changed

    def numbered(self, number: int) -> Breakpoint:
        """The one of an id. Raises `BadInput` where there is none."""
        for point in self.points:
            if point.id == number:
                return point
        raise BadInput(f"there is no breakpoint {number}" + ("" if self.points else "; none is set"))

    def _set(self, points: list[Breakpoint]) -> None:
        self.points = points
        self.tell(tuple(points))
