"""One row of the graph: done, current, next or waiting; name, operation, value and gradient."""

from __future__ import annotations

from gradtui.trace.names import label
from gradtui.trace.numbers import within
from gradtui.views.rows import Role, Row, Span, fit, fit_path, right
from gradtui.views.state import State
from gradtui.views.tree import GraphTree

DONE, CURRENT, NEXT, WAITING, AGAIN = "✓", "▶", "›", "·", "↑"


def state_of(state: State, node: int) -> tuple[str, Role]:
    """The mark of a node at the cursor and its role."""
    step = state.step
    if step is not None and step.node.id == node:
        return CURRENT, "now"
    if state.next_node == node:
        return NEXT, "next"
    shown = state.shown_pass
    if shown is not None and shown.ran_by(node, state.cursor.step) is not None:
        return DONE, "good"
    return WAITING, "dim"


class Columns:
    """How wide each column is, for a width of the pane."""

    def __init__(self, engine: str, width: int) -> None:
        self.number = 11 if width >= 64 else 9
        self.values = width >= 48
        wide = 18 if engine == "torch" else 8
        self.op = wide if width >= 60 else min(wide, 12)
        self.name = max(8, width - 4 - self.op - (1 + self.values) * (self.number + 1))
        """Cells for guides, mark and name together."""
        self.levels = max(2, self.name // 4)
        """Guide lines at most: a deep row still shows its name."""


def row_of(state: State, tree: GraphTree, at: int, width: int) -> Row:
    """The row `at` in `width` cells: guides, mark, name | op | value | gradient."""
    shown = state.shown_pass
    assert shown is not None
    columns = Columns(shown.engine, width)
    node = shown.nodes[tree.node[at]]
    mark, role = state_of(state, node.id)
    guides = tree.guides(at, columns.levels)
    again = bool(tree.refers[at])
    if again and mark != CURRENT:
        role = "dim"
    room = max(1, columns.name - len(guides))
    text = label(node)
    name = fit_path(text, room)
    if again:
        name = fit(fit_path(text, min(len(text), room - 2)) + f" {AGAIN}", room)
    name_role: Role = role if mark in (CURRENT, NEXT) else "dim" if again else "name" if node.named else ""
    spans = [
        Span(guides, "dim"),
        Span(mark + ("▸" if tree.collapsed[at] else " "), role),
        Span(f" {name} ", name_role),
        Span(fit("leaf" if node.leaf and not node.op else node.op, columns.op), "dim" if again else "op"),
    ]
    if columns.values:
        value = "" if node.value is None else within(node.value, columns.number)
        spans.append(Span(" " + right(value, columns.number), "dim"))
    received = state.received_at(node.id)
    gradient = "" if not received else within(received[0], columns.number)
    spans.append(Span(" " + right(gradient, columns.number), "now" if mark == CURRENT else "number"))
    return tuple(spans)


def head(engine: str, width: int) -> Row:
    """The titles of the columns."""
    columns = Columns(engine, width)
    text = fit("   node", columns.name + 4) + fit("op", columns.op)
    if columns.values:
        text += " " + right("value", columns.number)
    return (Span(text + " " + right("gradient", columns.number), "dim"),)
