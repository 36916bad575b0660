"""The graph of a pass by data flow: a tree from the root down, a row an edge, in pre-order.

A node that is reached twice is expanded at its first row and referred to from the others.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from gradtui.trace import Pass
from gradtui.views.fold import Folding

if TYPE_CHECKING:
    from gradtui.views.graph import Columns

NEAR = 40
"""Nodes of a path that are told from its lower end; of a longer one, the root and a gap stand above."""
GAP = 0
"""Stands in a path for the nodes left out (node ids count from 1)."""


class GraphTree(Folding):
    """The rows of the tree; nothing is folded at first."""

    def __init__(self, shown: Pass) -> None:
        super().__init__()
        self.refers = bytearray()
        """1 where the row stands for a node that is expanded further up."""
        self._build(shown)
        self._close()
        count = len(self.node)
        self._branch = array("i", bytes(4 * count))
        for i in range(count):
            p = self.parent[i]
            branches = p < 0 or self._children[p] > 1
            self._branch[i] = i if branches else self._branch[p]
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

    # ---------------------------------------------------------------- reading

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
