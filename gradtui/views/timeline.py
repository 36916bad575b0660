"""One row of the graph by execution order: step, mark, node, operation, module, gradient."""

from __future__ import annotations

from dataclasses import dataclass

from gradtui.trace import Pass
from gradtui.trace.numbers import magnitude
from gradtui.views.amounts import within
from gradtui.views.flow import bar
from gradtui.views.graph import (
    CURRENT,
    DONE,
    MARKED,
    NEXT,
    WAITING,
    bar_of,
    gradient_of,
    op_of,
    state_of,
    within_module,
)
from gradtui.views.order import Order
from gradtui.views.rows import Role, Row, Span, fit, fit_path, right
from gradtui.views.state import State


@dataclass(frozen=True)
class Columns:
    """How wide each column is."""

    step: int
    node: int
    op: int
    module: int
    """0 where there is no room for it."""
    number: int


def columns_of(shown: Pass, width: int) -> Columns:
    """The columns for a width of the pane."""
    width -= 1  # the scrollbar stands beside it
    step = max(4, len(f"{len(shown.nodes):,}"))
    number = 16 if width >= 66 else 9
    op = 16 if width >= 66 else 10
    left = width - step - 3 - (op + 1) - 2 - (number + 1)
    module = left * 3 // 5 if left >= 26 and shown.engine == "torch" else 0
    return Columns(step, max(4, left - (module + 1 if module else 0)), op, module, number)


def head(shown: Pass, width: int) -> Row:
    """The titles of the columns."""
    c = columns_of(shown, width)
    text = right("step", c.step) + "   " + fit("node", c.node) + " " + fit("op", c.op)
    if c.module:
        text += " " + fit("module", c.module)
    return (Span(text + "  " + " " + right("gradient", c.number), "dim"),)


def row_of(state: State, order: Order, at: int, width: int) -> Row:
    """The row `at` in `width` cells. A node that ran several times has a row for each."""
    shown = state.shown_pass
    assert shown is not None
    c = columns_of(shown, width)
    node = shown.nodes[order.node[at]]
    step = at + 1 if at < order.steps else 0
    mark, role = _mark(state, node.id, step)
    name_role: Role = role if mark in MARKED else "name" if node.named else "" if step else "dim"
    spans = [
        Span(right(f"{step:,}" if step else "", c.step) + " ", "dim"),
        Span(mark + " ", role),
        Span(fit_path(within_module(node) if c.module else shown.symbol(node), c.node), name_role),
        Span(" " + fit(op_of(node, True), c.op), "op"),
    ]
    if c.module:
        spans.append(Span(" " + fit_path(node.module or "", c.module), "dim"))
    if 0 < step <= state.cursor.step and step != shown.ran_by(node.id, state.cursor.step):  # an earlier run
        received = shown.messages[step - 1].received
        value = received[0] if received else None
        glyph = bar(magnitude(value))
        text = within(value, c.number) if value is not None else ""
        number = Span(" " + right(text, c.number), "number")
    else:
        glyph = bar_of(state, node)
        number = gradient_of(state, shown, node, mark, c.number)
    return (*spans, Span(" " + glyph.text, glyph.role), number)


def _mark(state: State, node: int, step: int) -> tuple[str, Role]:
    """By step, not by node: a node may run more than once."""
    if not step:
        return state_of(state, node)
    if step == state.cursor.step:
        return CURRENT, "now"
    if step < state.cursor.step:
        return DONE, "good"
    return (NEXT, "next") if step == state.cursor.step + 1 else (WAITING, "dim")
