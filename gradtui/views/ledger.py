"""The ledger: every contribution that a node was sent, by whom, in order, with the running sum.

At a step it shows the nodes that the step sent to, where the contributions arrive; for a node that
the person selected, that node's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradtui.trace import Pass
from gradtui.trace.model import Arrival
from gradtui.trace.numbers import digits, number_of, short
from gradtui.views.absent import light_rows, word
from gradtui.views.amounts import arrived, noted, output_of, summed, within
from gradtui.views.rows import Role, Row, Span, fit_path, right, row
from gradtui.views.state import State
from gradtui.wire.messages import Node, Summary, Value

OPEN = 12
"""Senders still to come that are listed by name."""
NEW = " ▶ "
"""Stands before a contribution of the step that is shown."""


@dataclass(frozen=True)
class _Columns:
    """How wide the names and the contributions of one pane are."""

    name: int
    number: int
    total: int


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
    shown = state.shown_pass
    names = [shown.symbol(node) for node in shown_nodes(state)] if shown is not None else []
    if not names:
        return "ledger"
    return "ledger of " + (", ".join(names) if len(names) <= 3 else f"{len(names)} nodes")


def rows_of(state: State, width: int) -> list[Row]:
    """The ledger pane."""
    shown = state.shown_pass
    rows: list[Row] = []
    if shown is not None and shown.light:
        return light_rows(width)
    if shown is not None:
        accounts = [(node, arrived(shown, node.id, state.cursor.step)) for node in shown_nodes(state)]
        columns = _columns(shown, accounts, width)
        for node, arrivals in accounts:
            rows += _ledger(state, shown, node, arrivals, columns)
    return rows


def line_of_newest(rows: Sequence[Row]) -> int:
    """The last row that the step under the cursor sent; 0 where it sent none of them."""
    return max((i for i, r in enumerate(rows) if r and r[0].text == NEW), default=0)


def _columns(shown: Pass, accounts: Sequence[tuple[Node, list[Arrival]]], width: int) -> _Columns:
    """Names as wide as they are, within limits; the numbers share what is left."""
    senders = {arrival.sender for _, arrivals in accounts for arrival in arrivals}
    senders.update(u for node, _ in accounts for u in shown.users.get(node.id, [])[:OPEN])
    names = max((len(shown.symbol(shown.nodes[s])) for s in senders if s in shown.nodes), default=0)
    left = width - 9 - 3 - 7  # mark and step, the sign, ` sum `
    name = max(8, min(28, names, left - 20))
    most = max(10, min(30, (left - name) // 2))
    values = (within(arrival.sent.value, most) for _, arrivals in accounts for arrival in arrivals)
    number = max(10, min(most, max(map(len, values), default=0)))
    return _Columns(name, number, max(10, min(30, left - name - number)))


def _ledger(state: State, shown: Pass, node: Node, arrivals: list[Arrival], columns: _Columns) -> list[Row]:
    rows = [_head(shown, node, len(arrivals))]
    if node.id in shown.began.roots:
        received = state.received_at(node.id)
        start = "set as the pass begins" if received is None else ", ".join(short(v) for v in received)
        rows.append(row(("   start  ", "dim"), "the root's own gradient: ", (start, "number")))
    totals = _sums(shown, arrivals)
    for arrival, total in zip(arrivals, totals):
        rows += _arrival(state, shown, arrival, total, columns)
    rows += _expected(state, shown, node, columns.name)
    if len(totals) > 1 and totals[-1] is None:
        rows += _received(state, node)
    return rows + _between(state, shown, node, totals[-1] if totals else None)


def _sums(shown: Pass, arrivals: list[Arrival]) -> list[Value | None]:
    """The running sums; all None where not all are known: the first alone would be taken for the whole."""
    totals: list[Value | None] = []
    if any(output_of(shown, arrival) for arrival in arrivals):  # to outputs of its own: no one sum
        return [None] * len(arrivals)
    for arrival in arrivals:
        totals.append(summed(totals[-1] if totals else None, arrival.sent))
        if totals[-1] is None or noted(totals[-1]):
            return [None] * len(arrivals)
    return totals


def _received(state: State, node: Node) -> list[Row]:
    """What the node ran with, where the sum of what it was sent is not known."""
    received = state.received_at(node.id)
    if received is None or len(received) != 1:
        return []
    return [row(("         received ", "dim"), (short(received[0]), "strong"))]


def _head(shown: Pass, node: Node, arrived: int) -> Row:
    expected = len(shown.users.get(node.id, []))
    of = f" of {expected}" if expected >= arrived and expected else ""
    plural = "" if max(expected, arrived) == 1 else "s"
    return row((shown.symbol(node), "name"), (f"  {arrived}{of} contribution{plural}", "dim"))


def _arrival(
    state: State, shown: Pass, arrival: Arrival, total: Value | None, columns: _Columns
) -> list[Row]:
    sender, sent = shown.nodes.get(arrival.sender), arrival.sent
    new = arrival.step == state.cursor.step
    now: Role = "now" if new else "number"
    spans = [
        Span(NEW if new else "   ", "now"),
        Span(right(str(arrival.step), max(4, len(str(len(shown.messages))))) + "  ", "dim"),
        Span(fit_path(shown.symbol(sender) if sender else f"#{arrival.sender}", columns.name), "name"),
        Span(" = " if sent.sets or sent.overwrote else " + ", "bad" if sent.overwrote else "dim"),
        Span(right(within(sent.value, columns.number), columns.number), now),
    ]
    if sender is not None and sender.outputs:
        spans.append(Span(f"   for output {output_of(shown, arrival)}", "dim"))
    if total is not None:
        spans += [Span("   sum ", "dim"), Span(within(total, columns.total), "strong")]
    if not sent.overwrote or sent.before is None:
        return [tuple(spans)]
    value = number_of(sent.value) or 0.0
    lost = f"         overwrote {digits(sent.before)}; adding gives {digits(sent.before + value)}"
    return [tuple(spans), row((lost, "bad"))]


def _expected(state: State, shown: Pass, node: Node, name_width: int) -> list[Row]:
    """Senders whose contribution has not come yet at the cursor."""
    absent = word(shown, state.cursor.step)
    waiting = [u for u in shown.users.get(node.id, []) if shown.ran_by(u, state.cursor.step) is None]
    names = [fit_path(shown.symbol(shown.nodes[u]), name_width) for u in waiting[:OPEN]]
    rows = [row((f"         {name}", "dim"), (f"   {absent}", "dim")) for name in names]
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
