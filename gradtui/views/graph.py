"""One row of the graph: done, current, next or waiting; name, operation, value and gradient.

The gradient is what a node ran with; of a node that waits, what it has been sent so far, dim.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gradtui.trace import Pass
from gradtui.trace.names import symbol
from gradtui.trace.numbers import magnitude
from gradtui.views.amounts import sent_so_far, within
from gradtui.views.flow import bar
from gradtui.views.rows import Role, Row, Span, fit, fit_path, right
from gradtui.views.state import State
from gradtui.views.tree import GraphTree
from gradtui.views.whatif import MARK, is_replaced
from gradtui.wire.messages import Node

DONE, CURRENT, NEXT, WAITING, AGAIN, FAILED = "✓", "▶", "›", "·", "↑", "✗"
MARKED = CURRENT, NEXT, FAILED
"""A row with one of these has its colour."""
MEASURED = 400
"""Rows of a graph whose width is looked at."""
NAME, OP, NUMBER = 48, 20, {"scalar": 11, "torch": 22}
"""Cells that a column takes at most before the names get the rest."""
VALUED, READABLE = 62, 12
"""Of a torch pass there are few values: below this width names of more cells come first."""
VECTOR = 13
"""Cells of a short vector: for it the operations are written short."""


def state_of(state: State, node: int) -> tuple[str, Role]:
    """The mark of a node at the cursor and its role."""
    step = state.step
    if state.failed_node == node:
        return FAILED, "bad"
    if step is not None and step.node.id == node:
        return CURRENT, "now"
    if state.next_node == node:
        return NEXT, "next"
    shown = state.shown_pass
    if shown is not None and shown.ran_by(node, state.cursor.step) is not None:
        return DONE, "good"
    return WAITING, "dim"


@dataclass(frozen=True)
class Columns:
    """How wide each column is."""

    name: int
    """Cells for guides and name together."""
    op: int
    number: int
    values: bool
    """Is there room for the forward values?"""
    brief: bool
    """Operations are written short: `Mean` for `MeanBackward0`."""
    levels: int
    """Guide lines at most: a deep row still shows its name."""
    flow: bool
    """Does a bar stand before the gradient? In graphs that have modules."""


def columns_of(shown: Pass, tree: GraphTree, width: int) -> Columns:
    """The columns for a width of the pane, made for the names and operations that are there."""
    known = tree.columns.get(width)
    if known is None:
        flow = any(node.module for node in shown.nodes.values())
        known = tree.columns[width] = _columns(shown, tree, width - 1 - 2 * flow, flow)  # and the scrollbar
    return known


def _columns(shown: Pass, tree: GraphTree, width: int, flow: bool) -> Columns:
    rows = range(min(len(tree), MEASURED))
    nodes = [shown.nodes[tree.node[at]] for at in rows]
    labels = [len(shown.label(node)) for node in nodes]
    names = max((len(tree.guides(at)) + labels[at] + 2 * tree.refers[at] for at in rows), default=8)
    values = width >= 47 and (shown.engine == "scalar" or width >= VALUED or names <= READABLE)
    numbers = 1 + values
    least = 9 if width >= 63 else 8
    room = width - 4 - numbers * (least + 1)
    whole = max((len(op_of(n, False)) for n in nodes), default=4)
    brief = whole + min(names, 28) > room - numbers * (VECTOR - least) * (shown.engine == "torch")
    op = min(OP, max((len(op_of(n, brief)) for n in nodes), default=4), max(4, room // 2))
    name = max(8, min(names, NAME, room - op))
    spare = room - op - name
    number = least + max(0, min(spare // numbers, NUMBER[shown.engine] - least))
    name = max(8, width - 4 - op - numbers * (number + 1))
    return Columns(
        name,
        op,
        number,
        values,
        brief,
        16 if names <= name else max(2, min(name // 4, (name - 18) // 2)),
        flow,
    )


def op_of(node: Node, brief: bool) -> str:
    """The operation; `brief`: `Mean` for `MeanBackward0`."""
    if node.leaf and not node.op:
        return "leaf"
    if not brief:
        return node.op
    return "Accumulate" if node.op == "AccumulateGrad" else re.sub(r"(?<=.)Backward\d*$", "", node.op)


def within_module(node: Node) -> str:
    """`weight` for `model.fc1.weight`, where the module `fc1` is told beside it."""
    name = symbol(node)
    return name.partition(f"{node.module}.")[2] or name if node.module else name


def row_of(state: State, tree: GraphTree, at: int, width: int) -> Row:
    """The row `at` in `width` cells: guides, mark, name | op | value | gradient."""
    shown = state.shown_pass
    assert shown is not None
    columns = columns_of(shown, tree, width)
    node = shown.nodes[tree.node[at]]
    mark, role = state_of(state, node.id)
    guides = tree.guides(at, columns.levels)
    again = bool(tree.refers[at])
    if again and mark != CURRENT:
        role = "dim"
    room = max(1, columns.name - len(guides))
    text, short = shown.label(node), shown.symbol(node)
    if len(text) > room and text != short and node.module:  # rather a shortened module than none
        text = f"{short} {fit_path(node.module, max(1, room - len(short) - 1)).rstrip()}"
    name = fit_path(text, room)
    if again:
        name = fit(fit_path(text, min(len(text), room - 2)) + f" {AGAIN}", room)
    name_role: Role = role if mark in MARKED else "dim" if again else "name" if node.named else ""
    spans = [
        Span(guides, "dim"),
        Span(mark + ("▸" if tree.collapsed[at] else " "), role),
        Span(f" {name} ", name_role),
        Span(fit(op_of(node, columns.brief), columns.op), "dim" if again else "op"),
    ]
    if columns.values:
        value = "" if node.value is None else within(node.value, columns.number)
        spans.append(Span(" " + right(value, columns.number), "dim"))
    if columns.flow:
        glyph = bar_of(state, node)
        spans.append(Span(" " + glyph.text, glyph.role))
    spans.append(gradient_of(state, shown, node, mark, columns.number))
    return tuple(spans)


def bar_of(state: State, node: Node) -> Span:
    """The size of what a node ran with, or runs with next."""
    received = state.received_at(node.id)
    return bar(magnitude(received[0]) if received else None)


def gradient_of(state: State, shown: Pass, node: Node, mark: str, width: int) -> Span:
    """What the node ran with or runs with next, else the sum of what it has been sent so far."""
    received = state.received_at(node.id)
    if received and is_replaced(shown, node.id, state.cursor.step):
        return Span(" " + right(MARK + within(received[0], width - 1), width), "warn")
    if received:
        return Span(" " + right(within(received[0], width), width), "now" if mark == CURRENT else "number")
    sent = sent_so_far(shown, node.id, state.cursor.step)
    return Span(" " + right("" if sent is None else sent.text(width), width), "dim")


def head(shown: Pass, tree: GraphTree, width: int) -> Row:
    """The titles of the columns."""
    columns = columns_of(shown, tree, width)
    text = fit("   node", columns.name + 4) + fit("op", columns.op)
    if columns.values:
        text += " " + right("value", columns.number)
    text += "  " * columns.flow
    return (Span(text + " " + right("gradient", columns.number), "dim"),)
