"""The thing drawn before it is drawn: rows of spans, each span a text with a role.

Views make rows from the trace, widgets paint them in the theme's colours, tests read them as text.
A role never says more than the text does: without colour nothing is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rich.cells import cell_len, set_cell_size

from gradtui.trace.names import shortened

Role: TypeAlias = Literal[
    "", "dim", "strong", "name", "op", "number", "good", "bad", "warn", "now", "next", "title",
    "keyword", "string", "comment", "marked",
    "heat0", "heat1", "heat2", "heat3", "heat4", "heat5", "heat6", "heat7", "heat8",
]  # fmt: skip
HEAT: tuple[Role, ...] = (
    "heat0", "heat1", "heat2", "heat3", "heat4", "heat5", "heat6", "heat7", "heat8",
)  # fmt: skip
"""From strongly negative over zero to strongly positive."""
ROLES: tuple[Role, ...] = (
    "dim", "strong", "name", "op", "number", "good", "bad", "warn", "now", "next", "title",
    "keyword", "string", "comment", "marked", *HEAT,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """Where a click leads: to a step of a pass, to a node of the shown one, or to both."""

    number: int = 0
    step: int | None = None
    node: int | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of one line."""

    text: str
    role: Role = ""
    target: Target | None = None


Row: TypeAlias = tuple[Span, ...]
Rows: TypeAlias = Sequence[Row]


def row(*parts: str | Span | tuple[str, Role]) -> Row:
    """A row from plain texts, (text, role) pairs and spans."""
    return tuple([p if isinstance(p, Span) else Span(p) if isinstance(p, str) else Span(*p) for p in parts])


def text_of(rows: Iterable[Row]) -> str:
    """Rows as plain text."""
    return "\n".join("".join(span.text for span in r).rstrip() for r in rows)


def width_of(r: Iterable[Span]) -> int:
    """Terminal cells that a row takes."""
    return sum(cell_len(span.text) for span in r)


def target_at(r: Row, x: int) -> Target | None:
    """Where a click on cell `x` leads: by the span there, else by the first that leads anywhere."""
    end = 0
    for span in r:
        end += cell_len(span.text)
        if x < end and span.target is not None:
            return span.target
        if x < end:
            break
    return next((span.target for span in r if span.target is not None), None)


def fit(text: str, width: int) -> str:
    """A text in exactly `width` cells, cut with an ellipsis or filled with spaces."""
    if cell_len(text) > width:
        return set_cell_size(text, max(0, width - 1)) + "…" if width > 0 else ""
    return set_cell_size(text, width)


_PATH = re.compile(r"\w+(?:\[[^\]]*\])*(?:\.\w+(?:\[[^\]]*\])*)+")
_WORD = re.compile(r"^\w+")
_BEHIND_FIRST = re.compile(r"(?<=[^\W_])[^\W\d_]+|_")


def fit_path(text: str, width: int) -> str:
    """Like `fit`, but of a path (`model.layers[0].b`) all that tells it from others is kept: its words
    are shortened to first letters and digits (`m.l[0].b`; `linear2` to `l2`, `weight_ih` to `wi`), from
    the front and no more than needed. What is still too long loses its beginning."""
    if cell_len(text) > width and _PATH.fullmatch(text) and not text[0].isdigit():
        parts = text.split(".")
        for i, part in enumerate(parts[:-1]):
            parts[i] = _WORD.sub(lambda word: _BEHIND_FIRST.sub("", word[0]), part)
            if cell_len(".".join(parts)) <= width:
                break
        text = ".".join(parts)
    return fit(shortened(text, width), width)


def right(text: str, width: int) -> str:
    """A text at the right side of `width` cells."""
    missing = width - cell_len(text)
    return " " * missing + text if missing >= 0 else fit(text, width)


def wrapped(parts: Row, width: int, indent: str = "") -> list[Row]:
    """A row broken at spaces into rows of at most `width` cells; later ones start with `indent`."""
    lines: list[list[Span]] = [[]]
    used = 0
    for span in parts:
        for word in _words(span.text):
            size = cell_len(word)
            if used + len(word.rstrip()) > width and used > len(indent):
                lines.append([Span(indent)] if indent else [])
                used = len(indent)
                word = word.lstrip()
                size = cell_len(word)
            if word:
                lines[-1].append(Span(word, span.role, span.target))
                used += size
    return [tuple(line) for line in lines]


def _words(text: str) -> list[str]:
    """Words with the spaces behind them."""
    words, start = [], 0
    for i, char in enumerate(text):
        if char == " " and i + 1 < len(text) and text[i + 1] != " ":
            words.append(text[start : i + 1])
            start = i + 1
    words.append(text[start:])
    return words
