"""What each pass added to each parameter, as a table of bars: a row a parameter, a column a pass.

One sees where a gradient begins to vanish, to explode or to be no number: in which pass, and how far up
the network. Columns are the passes around the cursor's that were started by the same line, the newest at
the right; rows are in the order in which a pass comes to them. A cell is made when it is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from gradtui.trace import Pass, Trace
from gradtui.trace.lines import line_of, told
from gradtui.trace.names import symbol
from gradtui.views.absent import UNKNOWN, of_leaf
from gradtui.views.flow import EXPLODING, VANISHING, fitting, glyph, role
from gradtui.views.lazy import LazyRows
from gradtui.views.order import expected_order
from gradtui.views.rows import Role, Row, Span, Target, fit, fit_path, right, row
from gradtui.views.state import State
from gradtui.views.status import empty
from gradtui.wire.messages import Node

NUMBER, SINCE = 8, 13
"""Cells for the number of the cursor's pass, and for the pass from which on it has been alarming."""
WITH_SINCE = 56
"""From this width on there is room for that."""
MEASURED = 200
"""Leaves whose names are looked at for the width of their column."""
SEARCHED = 20_000
"""Passes of other lines that are passed over, at most, on each side of the cursor's."""
MISSING = -1.0
"""Stands for a leaf that the pass does not have; a norm is never below 0."""


class Leaves:
    """The leaves of the pass that is shown, in the order in which the pass comes to them."""

    def __init__(self) -> None:
        self._of: tuple[Trace | None, int, bool] = (None, 0, False)
        self._places: dict[str, int] = {}
        """Of names: where they stood in the pass read last, for passes whose graph is no longer kept."""
        self.nodes: list[Node] = []
        self.line_of: dict[int, int] = {}
        """By node: its row in the table."""

    def of(self, state: State) -> list[Node]:
        """Those of the cursor's pass."""
        trace, number, shown = state.trace, state.cursor.number, state.shown_pass
        if self._of != (trace, number, shown is not None):
            self._of = (trace, number, shown is not None)
            self.nodes = self._in_order(shown) if shown is not None else self._remembered(trace, number)
            self.line_of = {node.id: at for at, node in enumerate(self.nodes, 1)}
        return self.nodes

    def _in_order(self, shown: Pass) -> list[Node]:
        known = {node.id: node for node in told(shown)}
        nodes = [known[number] for number in expected_order(shown) if number in known]
        self._places = {symbol(node): at for at, node in enumerate(nodes)}
        return nodes

    def _remembered(self, trace: Trace, number: int) -> list[Node]:
        lines = trace.lines.leaves(number)
        if lines is None:  # let go as well: others of its line of the program have these
            return self.nodes
        nodes = [line.node for line in lines]
        return sorted(nodes, key=lambda node: self._places.get(symbol(node), len(self._places)))


class NormRows(LazyRows):
    """The rows, the titles first."""

    def __init__(self, state: State, leaves: Sequence[Node], width: int) -> None:
        self._trace, self._leaves, self._state = state.trace, leaves, state
        self._selected = state.selected
        width -= 1  # the scrollbar stands beside it
        self._since = SINCE if width >= WITH_SINCE else 0
        names = max((cell_len(symbol(node)) for node in leaves[:MEASURED]), default=8)
        self._name = max(8, min(names, width * 2 // 5))
        room = max(1, width - 2 - self._name - 1 - NUMBER - 1 - self._since)
        self._rows, self._at = _around(state.trace, state.cursor.number, room)
        """The columns: rows among the trace's lines; which of them is the cursor's."""

    def __len__(self) -> int:
        return len(self._leaves) + 1 if self._rows else 1

    def _row(self, at: int) -> Row:
        if not self._rows:
            return empty(self._state)
        return self._head() if at == 0 else self._leaf(self._leaves[at - 1])

    # ------------------------------------------------------------------- the rows

    def _head(self) -> Row:
        """`  added to             pass 7  1     ▼`: the passes of both ends, and the cursor's column."""
        numbers = self._trace.lines.numbers
        first, here, last = (numbers[self._rows[at]] for at in (0, self._at, -1))
        count = len(self._rows)
        axis = list(" " * count)
        for at, text in ((0, str(first)), (count - len(str(last)), str(last))):
            free = at >= 0 and all(cell == " " for cell in axis[max(0, at - 1) : at + len(text) + 1])
            if free and not at <= self._at < at + len(text):
                axis[at : at + len(text)] = text
        drawn = "".join(axis)
        title = right(f"pass {here}", NUMBER) if here < 1000 else right(str(here), NUMBER)
        spans = [Span(fit("  added to", self._name + 2) + " " + title + " ", "dim")]
        spans += [Span(drawn[: self._at], "dim"), Span("▼", "now"), Span(drawn[self._at + 1 :], "dim")]
        apart = self._trace.lines.apart
        if apart > 1:
            spans.append(Span(f" 1 of {apart}", "dim"))
        return tuple(spans)

    def _leaf(self, node: Node) -> Row:
        norms = [self._norm(at, node) for at in self._rows]
        here = norms[self._at]
        chosen = node.id == self._selected
        spans = [
            Span("▸ " if chosen else "  ", "now"),
            Span(fit_path(symbol(node), self._name), "name", Target(node=node.id)),
            Span(" " + right(self._number(here, node), NUMBER) + " ", _role_of(here)),
        ]
        numbers = self._trace.lines.numbers
        for at, norm in zip(self._rows, norms):
            text = " " if norm is MISSING else UNKNOWN if norm is None else glyph(norm)
            spans.append(Span(text, role(norm) if norm is not MISSING else "dim", Target(numbers[at], 0)))
        if self._since:
            spans.append(Span(" " + self._remark(norms), "bad" if _kind(here) == "not finite" else "warn"))
        return tuple(spans)

    def _norm(self, at: int, node: Node) -> float | None:
        """What the pass added; None where no gradient came, `MISSING` where it has no such leaf."""
        open_ = self._trace.passes.open_one(self._trace.lines.numbers[at])
        line = self._trace.lines.leaf(at, node) if open_ is None else line_of(open_, node)
        return MISSING if line is None else line.added

    def _number(self, norm: float | None, node: Node) -> str:
        if norm == MISSING:
            return ""
        return of_leaf(self._state.shown_pass, node) if norm is None else fitting(norm, NUMBER)

    def _remark(self, norms: Sequence[float | None]) -> str:
        """`since 28`: from which pass on the number has been as alarming as it is."""
        kind = _kind(norms[self._at])
        if not kind:
            return ""
        at = self._at
        while at > 0 and _kind(norms[at - 1]) == kind:
            at -= 1
        number = self._trace.lines.numbers[self._rows[at]]
        earlier = at == 0 and self._rows[0] > 0
        return f"since {'≤' if earlier else ''}{number}"


def _kind(norm: float | None) -> str:
    """What is alarming about a norm; '' for a sound one, or where there is none."""
    if norm is None or norm == MISSING:
        return ""
    if not math.isfinite(norm):
        return "not finite"
    if norm == 0:
        return "zero"
    return "vanishing" if norm < VANISHING else "exploding" if norm >= EXPLODING else ""


def _role_of(norm: float | None) -> Role:
    return "bad" if _kind(norm) == "not finite" else "dim" if norm is None else "number"


def _around(trace: Trace, number: int, room: int) -> tuple[list[int], int]:
    """The rows of at most `room` passes about this one, and where it is among them; [] for no such pass."""
    lines = trace.lines
    here = lines.row(number)
    if here is None:
        return [], 0
    root = lines.root_of[here]

    def of_the_same(rows: range) -> Iterator[int]:
        kept = (at for at in rows if lines.root_of[at] == root)
        return (at for at in kept if at % lines.apart == 0 or at == len(lines.numbers) - 1)

    after = _first(of_the_same(range(here + 1, min(len(lines.numbers), here + SEARCHED))), room - 1)
    before = _first(of_the_same(range(here - 1, max(-1, here - SEARCHED), -1)), room - 1)
    behind = min(len(after), max(room // 3, room - 1 - len(before)))
    before = before[: room - 1 - behind]
    return [*reversed(before), here, *after[:behind]], len(before)


def _first(some: Iterator[int], count: int) -> list[int]:
    return [at for at, _ in zip(some, range(count))]


def rows_of(state: State, leaves: Sequence[Node], width: int) -> Sequence[Row]:
    """The pane: the table, or why there is none."""
    if not state.trace.lines.numbers:
        return [empty(state)]
    if not leaves:
        return [row(("No parameter: the table has nothing to show.", "dim"))]
    return NormRows(state, leaves, width)
