"""The leaves: what each `.grad` held before the pass, what was added, what it holds at the cursor.

At the start of a pass: what it holds, from which pass, and whether that has been used already.
"""

from __future__ import annotations

from collections.abc import Sequence

from gradtui.trace import Pass
from gradtui.trace.names import symbol
from gradtui.trace.numbers import digits, magnitude
from gradtui.views.absent import UNKNOWN, word
from gradtui.views.amounts import sent_so_far, within
from gradtui.views.lazy import LazyRows
from gradtui.views.rows import Row, Span, Target, fit, fit_path, right, row
from gradtui.views.state import State
from gradtui.wire.messages import Node

MEASURED = 200
"""Leaves whose names are looked at for the width of their column."""


class LeafRows(LazyRows):
    """The titles, then a row a leaf."""

    def __init__(self, state: State, shown: Pass, leaves: Sequence[Node], width: int) -> None:
        self._state = state
        self._shown = shown
        self._starts = state.cursor.step == 0
        self.leaves = leaves
        names = max((len(symbol(node)) for node in leaves[:MEASURED]), default=8)
        room = width - 1 - 2  # the scrollbar stands beside it; the mark
        least, most = (8, 26) if shown.engine == "torch" else (8, 12)
        self._number = max(least, min(most, (room - max(8, min(names, 32))) // 4 - 1))
        self._name = max(8, room - 4 * (self._number + 1))

    def __len__(self) -> int:
        return len(self.leaves) + 1

    def _row(self, at: int) -> Row:
        return self._head() if at == 0 else self._leaf(self.leaves[at - 1])

    def _head(self) -> Row:
        n = self._number
        words = (
            ("value", "holds", "of pass", "used") if self._starts else ("value", "before", "added", "after")
        )
        titles = "".join(" " + right(t, n) for t in words)
        return row((fit("  leaf", self._name + 2) + titles, "dim"))

    def _leaf(self, node: Node) -> Row:
        if self._starts:
            return self._held(node)
        leaf = self._shown.leaf_at(node, self._state.cursor.step)
        step = self._state.step
        now = step is not None and step.node.id == node.id
        touched = step is not None and any(s is not None and s.to == node.id for s in step.sent)
        n = self._number
        sent = sent_so_far(self._shown, node.id, self._state.cursor.step)
        came = "=" if sent is not None and sent.sets else "+"
        mark = "▶ " if now else f"{came} " if touched else "  "
        before, after = within(leaf.before, n), within(leaf.after, n)
        absent = word(self._shown, self._state.cursor.step)
        added = absent if leaf.added is None else within(leaf.added, n)
        waits = leaf.added is None and sent is not None
        if waits and sent is not None:  # torch writes a leaf's .grad when it comes to it, and not before
            added = f"sent {sent.text(n)}" if sent.told else sent.text(n)
            added = added if len(added) <= n else sent.text(n)
        return row(
            (mark, "now"),
            Span(fit_path(symbol(node), self._name), "name", Target(node=node.id)),
            (" " + right(within(node.value, n) if node.value is not None else "", n), "dim"),
            (" " + right(before, n), "warn" if before not in ("0", "None") else ""),
            (" " + right(added, n), "dim" if leaf.added is None else "now" if now or touched else "number"),
            (" " + right(after, n), "strong"),
        )

    def _held(self, node: Node) -> Row:
        shown, n = self._shown, self._number
        before = shown.before.get(node.id)
        empty = before is None or magnitude(before) == 0
        origin, used = shown.came_from.get(node.id), node.id in shown.used
        told = "" if empty else "yes" if used else "no" if origin is not None else "?"
        return row(
            ("! " if used else "  ", "bad"),
            Span(fit_path(symbol(node), self._name), "name", Target(node=node.id)),
            (" " + right(within(node.value, n) if node.value is not None else "", n), "dim"),
            (" " + right(within(before, n), n), "dim" if empty else "warn"),
            (" " + right("" if empty or origin is None else str(origin), n), "dim"),
            (" " + right(told, n), "bad" if used else "dim"),
        )


def rows_of_line(state: State, width: int) -> list[Row]:
    """What is left of the leaves of a pass that was let go: magnitudes."""
    lines = state.trace.lines.leaves(state.cursor.number)
    if lines is None:
        apart = state.trace.lines.apart
        why = f"Those of one pass in {apart:,} are kept." if apart > 1 else "It had no end."
        return [row((f"Nothing is left of the leaves of pass {state.cursor.number:,}. {why}", "dim"))]
    number = max(8, min(12, (width - 3 - 16) // 4 - 1))
    name = max(8, width - 3 - 4 * (number + 1))
    titles = "".join(" " + right(title, number) for title in ("‖value‖", "‖before‖", "‖added‖", "‖after‖"))
    rows = [row((fit("  leaf", name + 2) + titles, "dim"))]
    for leaf in lines:
        sizes = ["None" if x is None else digits(x, 4) for x in (leaf.before, leaf.added, leaf.after)]
        value = "" if leaf.norm is None else digits(leaf.norm, 4)
        rows.append(
            row(
                "  ",
                (fit_path(symbol(leaf.node), name), "name"),
                (" " + right(value, number), "dim"),
                (" " + right(sizes[0], number), "warn" if leaf.before else ""),
                (" " + right(UNKNOWN if leaf.added is None else sizes[1], number), "number"),
                (" " + right(sizes[2], number), "strong"),
            )
        )
    return rows


def leaves_of(shown: Pass) -> list[Node]:
    """The leaves of a pass; those with a name of their own first, constants last."""
    leaves = [node for node in shown.nodes.values() if node.leaf]
    return sorted(leaves, key=lambda node: not node.named)
