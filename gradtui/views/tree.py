"""The graph of a pass as rows of a tree, in flat arrays.

A row is one edge of the graph, in pre-order. A node that is reached twice is expanded at its first
row and referred to from the others. Rows are found by index, nodes by `first_row`; collapsing keeps
a sorted array of the rows that can be seen. Nothing here recurses: graphs are deep.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING

from gradtui.trace import Pass

if TYPE_CHECKING:
    from gradtui.views.graph import Columns

NEAR = 40
"""Nodes of a path that are told from its lower end; of a longer one, the root and a gap stand above."""
GAP = 0
"""Stands in a path for the nodes left out (node ids count from 1)."""


class GraphTree:
    """Flat arrays over the rows; `parent[row] < row`, a subtree is `row .. end[row]`."""

    def __init__(self, shown: Pass) -> None:
        self.node = array("q")
        self.parent = array("i")
        self.refers = bytearray()
        """1 where the row stands for a node that is expanded further up."""
        self.first_row: dict[int, int] = {}
        self._build(shown)
        count = len(self.node)
        self.end = array("i", range(1, count + 1))
        children = array("i", bytes(4 * count))
        for i in range(count - 1, 0, -1):
            p = self.parent[i]
            if p >= 0:
                children[p] += 1
                if self.end[i] > self.end[p]:
                    self.end[p] = self.end[i]
        self._children = children
        self._branch = array("i", bytes(4 * count))
        for i in range(count):
            p = self.parent[i]
            branches = p < 0 or children[p] > 1
            self._branch[i] = i if branches else self._branch[p]
        self.collapsed = bytearray(count)
        self.visible = array("i", range(count))
        self.columns: dict[int, Columns] = {}
        """For the graph's rows: their columns by the width of the pane."""

    def _build(self, shown: Pass) -> None:
        nodes, first = shown.nodes, self.first_row
        stack = [(root, -1) for root in reversed(shown.began.roots)]
        while stack:
            number, parent = stack.pop()
            row = len(self.node)
            self.node.append(number)
            self.parent.append(parent)
            again = number in first
            self.refers.append(again)
            if again:
                continue
            first[number] = row
            stack.extend([(t, row) for t in reversed(nodes[number].inputs) if t is not None])

    def __len__(self) -> int:
        return len(self.node)

    # ---------------------------------------------------------------- reading

    def has_children(self, row: int) -> bool:
        """Does anything stand below this row?"""
        return self._children[row] > 0

    def path(self, row: int) -> tuple[int, ...]:
        """The nodes from the root down to this row; of a long way, the root, `GAP` and the last ones."""
        nodes: list[int] = []
        while row >= 0 and len(nodes) < NEAR:
            nodes.append(self.node[row])
            row = self.parent[row]
        if row >= 0:
            nodes += [self.node[0]] if self.parent[row] < 0 else [GAP, self.node[0]]
        return tuple(reversed(nodes))

    def guides(self, row: int, levels: int = 16) -> str:
        """The lines in front of a row, at most `levels`. Only branches indent: a chain goes straight down."""
        at = self._branch[row]
        parts: list[str] = []
        own = at == row
        while self.parent[at] >= 0:
            if len(parts) == levels:
                parts.append("⋯ ")
                break
            last = self.end[at] == self.end[self.parent[at]]
            if own:
                parts.append("└─" if last else "├─")
            else:
                parts.append("  " if last else "│ ")
            own = False
            at = self._branch[self.parent[at]]
        parts.reverse()
        return "".join(parts)

    def line_of(self, row: int) -> int:
        """The position of a row among the visible ones, -1 when it is hidden."""
        at = bisect_left(self.visible, row)
        return at if at < len(self.visible) and self.visible[at] == row else -1

    # ------------------------------------------------------------- collapsing

    def collapse(self, row: int) -> None:
        """Hide what stands below a row."""
        if self.collapsed[row] or not self.has_children(row):
            return
        self.collapsed[row] = 1
        at = self.line_of(row)
        if at >= 0:
            del self.visible[at + 1 : bisect_left(self.visible, self.end[row])]

    def expand(self, row: int) -> None:
        """Show what stands below a row."""
        if not self.collapsed[row]:
            return
        self.collapsed[row] = 0
        at = self.line_of(row)
        if at >= 0:
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
