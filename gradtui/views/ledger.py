"""The ledger: every contribution that a node was sent, by whom, in order, with the running sum.

At a step it shows the nodes that the step sent to, where the contributions arrive; for a node that
the person selected, that node's own.
"""

from __future__ import annotations

import msgspec

from gradtui.trace import Pass
from gradtui.trace.model import Arrival
from gradtui.trace.names import symbol
from gradtui.trace.numbers import digits, number_of, short, within
from gradtui.views.rows import Role, Row, Span, fit_path, right, row
from gradtui.views.state import State
from gradtui.wire.messages import Node, Sent, Summary, Value

OPEN = 12
"""Senders still to come that are listed by name."""


def shown_nodes(state: State) -> list[Node]:
    """The nodes whose ledgers are shown."""
    shown, node, step = state.shown_pass, state.selected_node, state.step
    if shown is None or node is None:
        return []
    if step is not None and step.node.id == node.id:
        targets = [s.to for s in step.sent if s is not None]
        targets = targets or [i for i in node.inputs if i is not None]
        if targets:
            return [shown.nodes[i] for i in dict.fromkeys(targets) if i in shown.nodes]
    return [node]


def title_of(state: State) -> str:
    """`ledger of a`."""
    names = [symbol(node) for node in shown_nodes(state)]
    if not names:
        return "ledger"
    return "ledger of " + (", ".join(names) if len(names) <= 3 else f"{len(names)} nodes")


def rows_of(state: State, width: int) -> list[Row]:
    """The ledger pane."""
    shown = state.shown_pass
    rows: list[Row] = []
    if shown is not None:
        for node in shown_nodes(state):
            rows += _ledger(state, shown, node, width)
    return rows


def _ledger(state: State, shown: Pass, node: Node, width: int) -> list[Row]:
    arrived = shown.ledger(node.id, state.cursor.step)
    name_width = max(8, min(28, width - 48))
    rows = [_head(shown, node, len(arrived))]
    if node.id in shown.began.roots:
        received = state.received_at(node.id)
        start = "set as the pass begins" if received is None else ", ".join(short(v) for v in received)
        rows.append(row(("   start  ", "dim"), "the root's own gradient: ", (start, "number")))
    total: Value | None = None
    apart = any(_output(shown, arrival) for arrival in arrived)  # to outputs of its own: no one sum
    for arrival in arrived:
        total = None if apart else _sum(total, arrival.sent)
        rows += _arrival(state, shown, arrival, total, name_width)
    rows += _expected(state, shown, node, name_width)
    return rows + _between(state, shown, node, total)


def _output(shown: Pass, arrival: Arrival) -> int:
    """Which output of the receiver a contribution is for."""
    sender = shown.nodes.get(arrival.sender)
    return sender.outputs[arrival.slot] if sender is not None and sender.outputs else 0


def _sum(total: Value | None, sent: Sent) -> Value | None:
    """The running sum after one more contribution: what the engine's grad held, else added up here."""
    if sent.after is not None:
        return sent.after
    if total is None:
        return sent.value
    if isinstance(total, Summary) and isinstance(sent.value, Summary):
        one, other = total.values, sent.value.values
        if one is None or other is None or len(one) != len(other):
            return Summary(total.shape, total.dtype, total.device, note="sum not kept")
        return msgspec.structs.replace(total, values=tuple(map(sum, zip(one, other))), norm=None)
    return None


def _head(shown: Pass, node: Node, arrived: int) -> Row:
    expected = len(shown.users.get(node.id, []))
    of = f" of {expected}" if expected >= arrived and expected else ""
    plural = "" if (expected or arrived) == 1 else "s"
    return row((symbol(node), "name"), (f"  {arrived}{of} contribution{plural}", "dim"))


def _arrival(state: State, shown: Pass, arrival: Arrival, total: Value | None, name_width: int) -> list[Row]:
    sender, sent = shown.nodes.get(arrival.sender), arrival.sent
    new = arrival.step == state.cursor.step
    now: Role = "now" if new else "number"
    spans = [
        Span(" ▶ " if new else "   ", "now"),
        Span(right(str(arrival.step), 4) + "  ", "dim"),
        Span(fit_path(symbol(sender) if sender else f"#{arrival.sender}", name_width), "name"),
        Span(" = " if sent.sets or sent.overwrote else " + ", "bad" if sent.overwrote else "dim"),
        Span(right(within(sent.value, 10), 10), now),
    ]
    if sender is not None and sender.outputs:
        spans.append(Span(f"   for output {_output(shown, arrival)}", "dim"))
    if total is not None and not _noted(total):
        spans += [Span("   sum ", "dim"), Span(within(total, 24), "strong")]
    if not sent.overwrote or sent.before is None:
        return [tuple(spans)]
    value = number_of(sent.value) or 0.0
    lost = f"         overwrote {digits(sent.before)}; adding gives {digits(sent.before + value)}"
    return [tuple(spans), row((lost, "bad"))]


def _expected(state: State, shown: Pass, node: Node, name_width: int) -> list[Row]:
    """Senders whose contribution has not come yet at the cursor."""
    waiting = [u for u in shown.users.get(node.id, []) if shown.ran_by(u, state.cursor.step) is None]
    rows = [
        row(("         " + fit_path(symbol(shown.nodes[u]), name_width), "dim"), ("   not yet", "dim"))
        for u in waiting[:OPEN]
    ]
    if len(waiting) > OPEN:
        rows.append(row((f"         and {len(waiting) - OPEN} more to come", "dim")))
    return rows


def _between(state: State, shown: Pass, node: Node, total: Value | None) -> list[Row]:
    """A gradient hook of the user's stands between what was sent and what was received."""
    received = state.received_at(node.id)
    if shown.engine != "torch" or total is None or node.id in shown.began.roots or not received:
        return []
    got = received[0]
    if len(received) != 1 or not isinstance(got, Summary) or not _differ(total, got):
        return []
    return [
        row(
            ("   ! ", "warn"),
            f"received {short(got)}: a gradient hook of the program changed it",
        )
    ]


def _differ(total: Value, got: Summary) -> bool:
    """More than rounding in the gradient's own dtype explains?"""
    if not isinstance(total, Summary) or total.values is None or got.values is None:
        return False
    close = 1e-9 if got.dtype == "float64" else 1e-3 if got.dtype == "float32" else 5e-2
    size = max(map(abs, (*total.values, *got.values)), default=0.0)
    return any(abs(a - b) > close * size for a, b in zip(total.values, got.values))


def _noted(total: Value) -> bool:
    return isinstance(total, Summary) and bool(total.note)
