"""The leaves: what each `.grad` held before the pass, what was added, what it holds at the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from gradtui.trace import Pass
from gradtui.trace.names import symbol
from gradtui.trace.numbers import within
from gradtui.views.rows import Row, fit, fit_path, right, row
from gradtui.views.state import State
from gradtui.wire.messages import Node


class LeafRows(Sequence[Row]):
    """One row a leaf, made when it is drawn: a graph may have thousands."""

    def __init__(self, state: State, shown: Pass, leaves: Sequence[Node], width: int) -> None:
        self._state = state
        self._shown = shown
        self.leaves = leaves
        self._number = max(8, min(12, (width - 22) // 4 - 1))
        self._name = max(8, width - 4 * (self._number + 1) - 2)

    def __len__(self) -> int:
        return len(self.leaves) + 1

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self._head() if index == 0 else self._leaf(self.leaves[index - 1])

    def _head(self) -> Row:
        n = self._number
        titles = "".join(" " + right(t, n) for t in ("value", "before", "added", "after"))
        return row((fit("  leaf", self._name + 2) + titles, "dim"))

    def _leaf(self, node: Node) -> Row:
        leaf = self._shown.leaf_at(node, self._state.cursor.step)
        step = self._state.step
        now = step is not None and step.node.id == node.id
        touched = step is not None and any(s is not None and s.to == node.id for s in step.sent)
        n = self._number
        mark = "▶ " if now else "+ " if touched else "  "
        before, after = within(leaf.before, n), within(leaf.after, n)
        added = "·" if leaf.added is None else within(leaf.added, n)
        return row(
            (mark, "now"),
            (fit_path(symbol(node), self._name), "name"),
            (" " + right(within(node.value, n) if node.value is not None else "", n), "dim"),
            (" " + right(before, n), "warn" if before not in ("0", "None") else ""),
            (" " + right(added, n), "now" if now or touched else "number"),
            (" " + right(after, n), "strong"),
        )


def leaves_of(shown: Pass) -> list[Node]:
    """The leaves of a pass; those with a name of their own first, constants last."""
    leaves = [node for node in shown.nodes.values() if node.leaf]
    return sorted(leaves, key=lambda node: not node.named)
