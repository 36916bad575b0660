"""Rows that stand below one another and fold: flat arrays, for a graph of any size.

Rows are in pre-order, `parent[row] < row`, and a subtree is `row .. end[row]`. Folding keeps a sorted
array of the rows that can be seen. Nothing here recurses: graphs are deep.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence


class Folding:
    """What every shape of the graph is: a node a row, some rows below others."""

    def __init__(self) -> None:
        self.node = array("q")
        """The node of each row; 0 for a row that stands for several (node ids count from 1)."""
        self.parent = array("i")
        """The row that each stands below, -1 at the top."""
        self.first_row: dict[int, int] = {}
        """The row of each node; where it has several, the one at which it is expanded."""
        self.end = array("i")
        self.collapsed = bytearray()
        self.visible: Sequence[int] = array("i")
        self._children = array("i")

    def _close(self) -> None:
        """All rows are there: find the ends of the subtrees."""
        count = len(self.node)
        self.end = array("i", range(1, count + 1))
        self._children = array("i", bytes(4 * count))
        for i in range(count - 1, 0, -1):
            p = self.parent[i]
            if p >= 0:
                self._children[p] += 1
                if self.end[i] > self.end[p]:
                    self.end[p] = self.end[i]
        self.collapsed = bytearray(count)
        self.visible = array("i", range(count))

    def __len__(self) -> int:
        return len(self.node)

    # ---------------------------------------------------------------- reading

    def has_children(self, row: int) -> bool:
        """Does anything stand below this row?"""
        return self._children[row] > 0

    def row_of(self, node: int, step: int) -> int:  # noqa: ARG002
        """The row of a node, for a cursor at `step`; -1 where it has none."""
        return self.first_row.get(node, -1)

    def line_of(self, row: int) -> int:
        """The position of a row among the visible ones, -1 when it is hidden."""
        at = bisect_left(self.visible, row)
        return at if at < len(self.visible) and self.visible[at] == row else -1

    def shown_for(self, row: int) -> int:
        """The row itself where it can be seen, else the folded one that holds it."""
        found = row
        while row >= 0:
            if self.collapsed[row] and row != found:
                found = row
            row = self.parent[row]
        return found

    # ------------------------------------------------------------- collapsing

    def collapse(self, row: int) -> None:
        """Hide what stands below a row."""
        if self.collapsed[row] or not self.has_children(row):
            return
        self.collapsed[row] = 1
        at = self.line_of(row)
        if at >= 0:
            assert isinstance(self.visible, array)
            del self.visible[at + 1 : bisect_left(self.visible, self.end[row])]

    def expand(self, row: int) -> None:
        """Show what stands below a row."""
        if not self.collapsed[row]:
            return
        self.collapsed[row] = 0
        at = self.line_of(row)
        if at >= 0:
            assert isinstance(self.visible, array)
            self.visible[at + 1 : at + 1] = self._shown_between(row + 1, self.end[row])

    def reveal(self, row: int) -> bool:
        """Expand everything above a row; True when anything changed."""
        if self.line_of(row) >= 0:
            return False
        hidden = []
        above = self.parent[row]
        while above >= 0:
            if self.collapsed[above]:
                hidden.append(above)
            above = self.parent[above]
        for above in reversed(hidden):
            self.expand(above)
        return bool(hidden)

    def _shown_between(self, start: int, stop: int) -> array[int]:
        rows = array("i")
        row = start
        while row < stop:
            rows.append(row)
            row = self.end[row] if self.collapsed[row] else row + 1
        return rows
