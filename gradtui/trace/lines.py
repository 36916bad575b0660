"""What stays of every pass of a run, kept or let go: its loss, and a line for each of its leaves.

All of it is arrays: 100,000 passes of a net with 20 parameters take some 40 MB. A leaf's line is four
magnitudes; where these outgrow the room that they have, those of every second pass go, then of every
second that is left, so that a curve over the run grows coarser and never loses its beginning. The losses
stay, all of them.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import msgspec

from gradtui.trace.model import Pass
from gradtui.trace.numbers import magnitude, number_of
from gradtui.trace.passes import place_of
from gradtui.wire.messages import Node, Value

NOTHING = -1.0
"""Stands for no gradient, or a magnitude that is not known; a known one is never below 0."""
ROW = 120
"""Bytes of a line beside its numbers, about."""
NAMED = 300
"""Bytes of a leaf that has not been there before, about."""


class Roster:
    """The leaves that passes have lines of: the parameters, mostly the same in pass after pass."""

    def __init__(self, leaves: Sequence[Node]) -> None:
        self.leaves = tuple(leaves)
        self._by_id = {node.id: at for at, node in enumerate(leaves)}
        self._by_name = {node.name: at for at, node in enumerate(leaves) if node.named}

    def find(self, node: Node) -> int | None:
        """Where a leaf stands: by its id, else by its name, for a program may make its parameters anew."""
        at = self._by_id.get(node.id)
        return self._by_name.get(node.name) if at is None and node.named else at


@dataclass(frozen=True, slots=True)
class LeafLine:
    """What a pass did to one leaf, as magnitudes; None for no gradient, or where it is not known."""

    node: Node
    before: float | None
    added: float | None
    after: float | None
    norm: float | None
    """Of the leaf's own value."""


class _Lines(msgspec.Struct, frozen=True, gc=False):
    """Those of one pass."""

    roster: Roster
    numbers: bytes
    """Doubles: what was added to each, the values' norms; where there was one before, also before, after."""

    def line(self, at: int) -> LeafLine:
        """That of one leaf."""
        numbers, count = memoryview(self.numbers).cast("d"), len(self.roster.leaves)
        added, norm = _known(numbers[at]), _known(numbers[count + at])
        if len(numbers) == 2 * count:
            return LeafLine(self.roster.leaves[at], None, added, added, norm)
        before, after = _known(numbers[2 * count + at]), _known(numbers[3 * count + at])
        return LeafLine(self.roster.leaves[at], before, added, after, norm)


def _known(number: float) -> float | None:
    return None if number == NOTHING else number


class Lines:
    """A row for each pass, in the order in which they began. Written by `Trace.fold` only."""

    def __init__(self, room: int | None) -> None:
        self._room = room
        """Bytes for the lines of the leaves; None for as many as they take."""
        self.bytes = 0
        """What these take."""
        self.apart = 1
        """Of every how many passes there are lines of the leaves."""
        self.numbers = array("q")
        self.steps = array("q")
        """Steps of each pass, 0 while it is open."""
        self.places = array("q")
        """Where each began in the order of arrival."""
        self.losses = array("d")
        """The value of each pass's root; NaN also where it is not one number."""
        self.known = bytearray()
        """Is that one number?"""
        self.root_of = array("q")
        """For each pass its place among the roots."""
        self.roots: list[tuple[Node, int | None]] = []
        """A root, and the stack that called backward; each once."""
        self._roots: dict[tuple[int | None, str], int] = {}
        self._lines: list[_Lines | None] = []
        self._rosters: dict[tuple[tuple[int, str | None], ...], Roster] = {}

    # ---------------------------------------------------------------- writing

    def begin(self, pass_: Pass, place: int) -> None:
        """A pass has begun."""
        root, stack = pass_.root, pass_.began.stack
        loss = number_of(root.value)
        key = (stack, root.name if root.named and root.name else root.op)
        if key not in self._roots:
            self._roots[key] = len(self.roots)
            self.roots.append((root, stack))
        self.numbers.append(pass_.number)
        self.steps.append(0)
        self.places.append(place)
        self.losses.append(float("nan") if loss is None else loss)
        self.known.append(loss is not None)
        self.root_of.append(self._roots[key])
        self._lines.append(None)

    def end(self, pass_: Pass) -> None:
        """A pass has ended."""
        row = self.row(pass_.number)
        assert row is not None
        self.steps[row] = len(pass_.messages)
        if row % self.apart == 0:
            lines = self._lines[row] = self._lines_of(pass_)
            self.bytes += len(lines.numbers) + ROW
            while self._room is not None and self.bytes > self._room and self.apart < len(self._lines):
                self._thin()

    def _lines_of(self, pass_: Pass) -> _Lines:
        leaves = told(pass_)
        key = tuple([(node.id, node.name) for node in leaves])
        roster = self._rosters.get(key)
        if roster is None:
            roster = self._rosters[key] = Roster(leaves)
            self.bytes += NAMED * len(leaves)
        accounts = [pass_.leaf_at(node) for node in leaves]
        numbers = [_size(a.added) for a in accounts]
        before, after = [_size(a.before) for a in accounts], [_size(a.after) for a in accounts]
        same = after == numbers and before == [NOTHING] * len(leaves)
        numbers += [_size(node.value) for node in leaves]
        return _Lines(roster, array("d", numbers if same else numbers + before + after).tobytes())

    def _thin(self) -> None:
        """Let every second pass's lines of leaves go."""
        self.apart *= 2
        for row, lines in enumerate(self._lines):
            if lines is not None and row % self.apart:
                self._lines[row] = None
        there = [lines for lines in self._lines if lines is not None]
        used = {id(lines.roster): lines.roster for lines in there}
        self._rosters = {key: roster for key, roster in self._rosters.items() if id(roster) in used}
        self.bytes = sum(len(lines.numbers) + ROW for lines in there)
        self.bytes += NAMED * sum(len(roster.leaves) for roster in used.values())

    # ---------------------------------------------------------------- reading

    def row(self, number: int) -> int | None:
        """The row of the pass of that number; None where there was none."""
        return place_of(self.numbers, number)

    def leaves(self, number: int) -> list[LeafLine] | None:
        """The lines of a pass; None where there are none: it is open, or its lines were let go."""
        row = self.row(number)
        lines = None if row is None else self._lines[row]
        return None if lines is None else [lines.line(at) for at in range(len(lines.roster.leaves))]

    def leaf(self, row: int, node: Node) -> LeafLine | None:
        """The line of one leaf in the pass of a row; None where there is none."""
        lines = self._lines[row]
        at = None if lines is None else lines.roster.find(node)
        return None if lines is None or at is None else lines.line(at)

    def root(self, row: int) -> Node:
        """The root of a pass by its name; its value may be another pass's."""
        return self.roots[self.root_of[row]][0]


def tells(node: Node) -> bool:
    """Is it a leaf whose gradient somebody wants to see? Not a constant (`2 * a`)."""
    return node.leaf and node.named and node.requires_grad


def told(pass_: Pass) -> list[Node]:
    """The leaves of a pass that have lines: those that tell something, else the first one."""
    leaves = [node for node in pass_.nodes.values() if node.leaf]
    return [node for node in leaves if tells(node)] or list(islice(leaves, 1))


def line_of(pass_: Pass, node: Node) -> LeafLine | None:
    """The line of one leaf of an open pass, as it stands now; None where the pass has no such leaf."""
    found = pass_.nodes.get(node.id)
    if found is None and node.named:
        found = next((n for n in pass_.nodes.values() if n.leaf and n.name == node.name), None)
    if found is None:
        return None
    leaf = pass_.leaf_at(found)
    sizes = (magnitude(value) for value in (leaf.before, leaf.added, leaf.after, found.value))
    return LeafLine(found, *sizes)


def _size(value: Value | None) -> float:
    size = magnitude(value)
    return NOTHING if size is None else size
