"""The run over its passes: the loss of each pass and what each added to a leaf, as columns that grow.

Owns nothing of the trace: it reads passes as they come, each once (an open one again until it has
ended), so asking thirty times a second costs what has come since, not what is there.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field

from gradtui.trace.lines import LeafLine, Lines, line_of
from gradtui.trace.names import symbol
from gradtui.trace.trace import Trace
from gradtui.wire.messages import Node, Place

WORK = 10_000
"""Passes that one call reads of a leaf's past: a frame's worth."""
KEPT = 8
"""Leaves whose columns are kept for when they are chosen again."""
UNKNOWN = math.nan


@dataclass(frozen=True)
class Curve:
    """The losses of a run, kept to be drawn beside those of a later one."""

    label: str
    losses: array[float]
    series: str = ""
    """Which series of a run these are: only the same one of another run compares."""


class Series:
    """The passes that one line of the program starts from roots of one name, in their order.

    A training loop is one series; a GAN, whose discriminator and generator take turns, is two.
    """

    def __init__(self, root: Node, place: Place | None, key: str = "") -> None:
        self.key = key
        """Names the series in any run of the program: the line, and the root's name or op."""
        self.name = symbol(root) if root.name else root.op
        """The root's name; its op where it has none."""
        self.place = place
        """The line that called backward."""
        self.numbers: array[int] = array("q")
        """The number of each pass."""
        self.rows: array[int] = array("q")
        """Its row among the lines of the trace."""
        self.losses: array[float] = array("d")
        """The value of each pass's root; NaN also where it is unknown or not one number."""
        self.known = 0
        """Losses that are one number."""
        self.nonfinite: array[int] = array("q")
        """Positions of losses that are known to be NaN or Inf."""

    def add(self, lines: Lines, row: int) -> int:
        """The next pass; returns its position in the series."""
        loss = lines.losses[row]
        self.numbers.append(lines.numbers[row])
        self.rows.append(row)
        if lines.known[row]:
            self.known += 1
            if not math.isfinite(loss):
                self.nonfinite.append(len(self.losses))
        self.losses.append(loss)
        return len(self.losses) - 1

    def value(self, at: int) -> float | None:
        """The loss at a position; None where it is unknown or not one number."""
        loss = self.losses[at]
        return loss if loss == loss or at in self.nonfinite else None

    def curve(self, label: str) -> Curve:
        """These losses as they are now, to keep."""
        return Curve(label, self.losses[:], self.key)


@dataclass
class LeafColumn:
    """What each pass of a series did to one leaf, as magnitudes; NaN also where nothing is known."""

    name: str
    added: array[float] = field(default_factory=lambda: array("d"))
    after: array[float] = field(default_factory=lambda: array("d"))
    """Magnitude of `.grad` after the pass."""
    nonfinite: set[int] = field(default_factory=set)
    """Positions where what was added is known to hold NaN or Inf."""
    open: list[int] = field(default_factory=list)
    """Positions of passes that had not ended when they were read."""

    def read(self, at: int, leaf: LeafLine | None) -> None:
        """Take in the pass at a position: the next one, or an open one again."""
        added = None if leaf is None else leaf.added
        after = None if leaf is None else leaf.after
        if at == len(self.added):
            self.added.append(UNKNOWN)
            self.after.append(UNKNOWN)
        self.added[at] = UNKNOWN if added is None else added
        self.after[at] = UNKNOWN if after is None else after
        if added is not None and not math.isfinite(added):
            self.nonfinite.add(at)


class Losses:
    """All series of a trace and the columns of the leaves that were asked for."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._of_root: list[int] = []
        """For each root of the trace its series."""
        self._by_key: dict[tuple[Place | None, str], int] = {}
        self._series = array("q")
        """For each pass its series, and its position there."""
        self._positions = array("q")
        self.series: list[Series] = []
        """In the order of their first passes."""
        self._leaves: dict[tuple[int, str | int], LeafColumn] = {}

    def catch_up(self) -> None:
        """Read the passes that have begun since the last call."""
        lines = self._trace.lines
        for root, stack in lines.roots[len(self._of_root) :]:
            self._of_root.append(self._series_of(root, stack))
        for row in range(len(self._series), len(lines.numbers)):
            number = self._of_root[lines.root_of[row]]
            self._series.append(number)
            self._positions.append(self.series[number].add(lines, row))

    def _series_of(self, root: Node, stack: int | None) -> int:
        """Which series a pass belongs to. A name that is an expression may differ from pass to pass."""
        place = None if stack is None else self._trace.line_of(stack)
        key = (place, root.name if root.named and root.name else root.op)
        number = self._by_key.setdefault(key, len(self.series))
        if number == len(self.series):
            line = self._trace.show_place(place) or ""
            self.series.append(Series(root, place, f"{line} {key[1]}"))
        return number

    def at(self, number: int) -> tuple[Series, int] | None:
        """The series of a pass and the pass's position in it; None for a pass not read yet."""
        row = self._trace.lines.row(number)
        if row is None or row >= len(self._series):
            return None
        return self.series[self._series[row]], self._positions[row]

    def leaf(self, series: Series, node: Node) -> LeafColumn:
        """The column of a leaf over a series, read as far as one call may; call again for the rest.

        The leaf is found by its id, in a pass that has no such node by its name: a program may make
        its parameters anew. Where the leaves' lines of a pass were let go, nothing is known.
        """
        key = (id(series), node.name if node.named and node.name else node.id)
        column = self._leaves.pop(key, None) or LeafColumn(symbol(node))
        self._leaves[key] = column  # the last asked for stands last
        if len(self._leaves) > KEPT:
            del self._leaves[next(iter(self._leaves))]
        still: list[int] = []
        for at in column.open:
            self._read(column, series, at, node, still)
        column.open = still
        until = min(len(series.numbers), len(column.added) + WORK)
        for at in range(len(column.added), until):
            self._read(column, series, at, node, column.open)
        return column

    def _read(self, column: LeafColumn, series: Series, at: int, node: Node, still: list[int]) -> None:
        """Read one pass; `still` takes the position while the pass is open."""
        open_ = self._trace.passes.open_one(series.numbers[at])
        if open_ is None:
            column.read(at, self._trace.lines.leaf(series.rows[at], node))
        else:
            column.read(at, line_of(open_, node))
            still.append(at)

    def whole(self, series: Series, column: LeafColumn) -> bool:
        """Has the column been read to the end of its series?"""
        return len(column.added) == len(series.numbers)
