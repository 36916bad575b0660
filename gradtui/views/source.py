"""The source pane: the file of the selected node with the line that made it, and lines at fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Keyword, Literal, Name, Operator, String

from gradtui.trace.names import symbol
from gradtui.views.lazy import LazyRows
from gradtui.views.rows import Role, Row, Span, width_of
from gradtui.views.state import State
from gradtui.wire.messages import Place

_ROLES: list[tuple[object, Role]] = [
    (Comment, "comment"),
    (String, "string"),
    (Keyword, "keyword"),
    (Operator.Word, "keyword"),
    (Literal.Number, "number"),
    (Name.Function, "name"),
    (Name.Class, "name"),
]


@dataclass(frozen=True)
class SourceView:
    """What the pane shows: a file's rows and the line to bring into view."""

    title: str
    rows: Sequence[Row]
    line: int
    """Counted from 1; 0 where there is none."""
    width: int = 0
    """Cells of the widest row; 0 where it was not measured."""


def view_of(state: State) -> SourceView:
    """The source of the selected node; of the pass's call where the node's line is not known."""
    place, note = _place(state)
    source = state.trace.sources.get(place.file) if place else None
    if place is None or source is None:
        return SourceView("source", [(Span(note, "dim"),)], 0)
    if source.text is None:
        return SourceView(source.path, [(Span(f"the text of {source.path} could not be read", "dim"),)], 0)
    faults = {f.culprit for f in state.trace.findings if f.culprit}
    marks = {}
    for fault in faults:
        path, _, line = (fault or "").rpartition(":")
        if path == source.path:
            marks[int(line)] = "bad"
    lines = highlighted(source.text)
    rows = _Marked(lines, place.line, frozenset(marks))
    title = f"{source.path}:{place.line}{note}"
    return SourceView(title, rows, place.line, _widest(source.text) + len(str(len(lines))) + 2)


def _place(state: State) -> tuple[Place | None, str]:
    """The line to show, and what it is where it is not the line that made the node."""
    trace, node, shown = state.trace, state.selected_node, state.shown_pass
    if shown is None:
        main = next(iter(trace.sources.values()), None)
        return (Place(main.file, 1), "") if main is not None else (None, "No source yet.")
    if node is not None:
        place = trace.line_of(node.stack)
        if place is not None:
            return place, ""
        for user in shown.users.get(node.id, []):
            place = trace.line_of(shown.nodes[user].stack)
            if place is not None:
                return place, f"  (where {symbol(node)} is used)"
    return trace.line_of(shown.began.stack), "  (where backward was called)"


class _Marked(LazyRows):
    """Highlighted lines with a margin: line number, `▶` at the current one, `✗` where a finding points."""

    def __init__(self, lines: tuple[Row, ...], current: int, faults: frozenset[int]) -> None:
        self._lines = lines
        self._current = current
        self._faults = faults
        self._width = len(str(len(lines)))

    def __len__(self) -> int:
        return len(self._lines)

    def _row(self, at: int) -> Row:
        number = at + 1
        margin = f"{number:>{self._width}} "
        if number == self._current:
            head = Span("▶" + margin, "now")
            return (head, *[Span(s.text, s.role or "marked") for s in self._lines[at]])
        if number in self._faults:
            return (Span("✗" + margin, "bad"), *self._lines[at])
        return (Span(" " + margin, "dim"), *self._lines[at])


@lru_cache(maxsize=16)
def highlighted(text: str) -> tuple[Row, ...]:
    """A Python text as rows, one pass of Pygments over the whole."""
    rows: list[list[Span]] = [[]]
    for token, piece in PythonLexer(stripnl=False).get_tokens(text):
        role = _role(token)
        parts = piece.split("\n")
        for i, part in enumerate(parts):
            if i:
                rows.append([])
            if part:
                rows[-1].append(Span(part.expandtabs(4), role))
    while rows and not rows[-1]:
        rows.pop()
    return tuple([tuple(r) for r in rows])


@lru_cache(maxsize=16)
def _widest(text: str) -> int:
    """Cells of the widest line: looking at thousands of lines at every step would be felt."""
    return max(map(width_of, highlighted(text)), default=0)


def _role(token: object) -> Role:
    for kind, role in _ROLES:
        if token in kind:  # type: ignore[operator]
            return role
    return ""
