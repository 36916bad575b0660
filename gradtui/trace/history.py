"""The run over its passes: the loss of each pass and what each added to a leaf, as columns that grow.

Owns nothing of the trace: it reads passes as they come, each once (an open one again until it has
ended), so asking thirty times a second costs what has come since, not what is there.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field

from gradtui.trace.model import Pass
from gradtui.trace.names import symbol
from gradtui.trace.numbers import magnitude, number_of
from gradtui.trace.trace import Trace
from gradtui.wire.messages import Node, Place

WORK = 2_000
"""Passes (and nodes searched by name) that one call reads of a leaf's past: a frame's worth."""
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
        self.losses: array[float] = array("d")
        """The value of each pass's root; NaN also where it is unknown or not one number."""
        self.known = 0
        """Losses that are one number."""
        self.nonfinite: array[int] = array("q")
        """Positions of losses that are known to be NaN or Inf."""

    def add(self, pass_: Pass) -> int:
        """The next pass; returns its position in the series."""
        loss = number_of(pass_.root.value)
        self.numbers.append(pass_.number)
        if loss is not None:
            self.known += 1
            if not math.isfinite(loss):
                self.nonfinite.append(len(self.losses))
        self.losses.append(UNKNOWN if loss is None else loss)
        return len(self.losses) - 1

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

    def read(self, at: int, pass_: Pass, node: Node | None) -> None:
        """Take in the pass at a position: the next one, or an open one again."""
        leaf = None if node is None else pass_.leaf_at(node)
        added = None if leaf is None else magnitude(leaf.added)
        after = None if leaf is None else magnitude(leaf.after)
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
        self._next = 0
        self._places: dict[int, Place | None] = {}
        """The calling line by stack: a loop calls from one stack again and again."""
        self._by_key: dict[tuple[Place | None, str], int] = {}
        self._where: dict[int, tuple[int, int]] = {}
        self.series: list[Series] = []
        """In the order of their first passes."""
        self._leaves: dict[tuple[int, str | int], LeafColumn] = {}

    def catch_up(self) -> None:
        """Read the passes that have begun since the last call."""
        passes = self._trace.passes
        for i in range(self._next, len(passes)):
            pass_ = passes[i]
            number = self._series_of(pass_)
            self._where[pass_.number] = (number, self.series[number].add(pass_))
        self._next = len(passes)

    def _series_of(self, pass_: Pass) -> int:
        """Which series a pass belongs to. A name that is an expression may differ from pass to pass."""
        root, stack = pass_.root, pass_.began.stack
        if stack is not None and stack not in self._places:
            self._places[stack] = self._trace.line_of(stack)
        place = None if stack is None else self._places[stack]
        key = (place, root.name if root.named and root.name else root.op)
        number = self._by_key.setdefault(key, len(self.series))
        if number == len(self.series):
            line = self._trace.show_place(place) or ""
            self.series.append(Series(root, place, f"{line} {key[1]}"))
        return number

    def at(self, number: int) -> tuple[Series, int] | None:
        """The series of a pass and the pass's position in it; None for a pass not read yet."""
        found = self._where.get(number)
        return None if found is None else (self.series[found[0]], found[1])

    def leaf(self, series: Series, node: Node) -> LeafColumn:
        """The column of a leaf over a series, read as far as one call may; call again for the rest.

        The leaf is found by its id, in a pass that has no such node by its name: a program may make
        its parameters anew.
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
        work = WORK
        while work > 0 and len(column.added) < len(series.numbers):
            work -= self._read(column, series, len(column.added), node, column.open)
        return column

    def _read(self, column: LeafColumn, series: Series, at: int, node: Node, still: list[int]) -> int:
        """Read one pass; returns what it cost. `still` takes the position while the pass is open."""
        pass_ = self._trace.pass_numbered(series.numbers[at])
        assert pass_ is not None
        found, cost = pass_.nodes.get(node.id), 1
        if found is None and node.named:
            cost = len(pass_.nodes)
            found = next((n for n in pass_.nodes.values() if n.leaf and n.name == node.name), None)
        column.read(at, pass_, found)
        if pass_.ended is None:
            still.append(at)
        return cost

    def whole(self, series: Series, column: LeafColumn) -> bool:
        """Has the column been read to the end of its series?"""
        return len(column.added) == len(series.numbers)
