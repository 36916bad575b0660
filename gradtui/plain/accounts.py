"""What a node was sent, and what torch has at the same place, as lines that make sense on their own."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from gradtui.plain.words import node, told
from gradtui.trace import Pass
from gradtui.trace.model import Arrival, twin_of
from gradtui.trace.names import symbol
from gradtui.trace.numbers import digits, number_of
from gradtui.views import torch as torch_view
from gradtui.views.rows import text_of
from gradtui.views.state import State
from gradtui.views.tree import GAP
from gradtui.wire.messages import Node, Sent, Summary, Value

# --------------------------------------------------------------------- the ledger


def ledger(state: State, shown: Pass, which: Node) -> Iterator[str]:
    """Every contribution that a node was sent, in order, with the running sum."""
    arrived = shown.ledger(which.id, state.cursor.step)
    expected = len(shown.users.get(which.id, []))
    of = f" of {expected}" if expected >= len(arrived) and expected else ""
    plural = "" if (expected or len(arrived)) == 1 else "s"
    yield f"ledger of {shown.symbol(which)}: {len(arrived)}{of} contribution{plural}"
    if which.id in shown.began.roots:
        yield "  the pass starts here: its gradient is set as the pass begins"
    apart = any(_output(shown, arrival) is not None for arrival in arrived)
    total: Value | None = None
    for i, arrival in enumerate(arrived):
        sent = arrival.sent
        total = sent.after if sent.after is not None else sent.value if i == 0 else _sum(total, sent.value)
        yield _arrival(shown, arrival, None if apart else total)
        if sent.overwrote and sent.before is not None:
            yield f"    this overwrote {digits(sent.before)}{_instead(sent)}"
    for sender in shown.users.get(which.id, []):
        if shown.ran_by(sender, state.cursor.step) is None:
            yield f"  {shown.symbol(shown.nodes[sender])}: not yet"


def _instead(sent: Sent) -> str:
    value = number_of(sent.value)
    return "" if value is None or sent.before is None else f"; adding gives {digits(sent.before + value)}"


def _arrival(shown: Pass, arrival: Arrival, total: Value | None) -> str:
    sender, sent = shown.nodes.get(arrival.sender), arrival.sent
    name = shown.symbol(sender) if sender is not None else f"#{arrival.sender}"
    verb = "set it to" if sent.sets or sent.overwrote else "added"
    output = _output(shown, arrival)
    to = f" for output {output}" if output is not None else ""
    then = "" if total is None else f", sum {told(total)}"
    return f"  step {arrival.step}: {name} {verb} {told(sent.value)}{to}{then}"


def _output(shown: Pass, arrival: Arrival) -> int | None:
    """Which output of a receiver that has several a contribution is for."""
    sender = shown.nodes.get(arrival.sender)
    return sender.outputs[arrival.slot] if sender is not None and sender.outputs else None


def _sum(total: Value | None, more: Value) -> Value | None:
    """Added up entry by entry; None where the entries are not known."""
    if not isinstance(total, Summary) or not isinstance(more, Summary):
        return None
    if total.values is None or more.values is None or len(total.values) != len(more.values):
        return None
    values = tuple(a + b for a, b in zip(total.values, more.values))
    return msgspec.structs.replace(total, values=values, norm=None)


# -------------------------------------------------------------------------- torch


def torch(state: State, shown: Pass) -> Iterator[str]:
    """Torch's chain from the root down to the selected node, with its values and, of a scalar pass, ours."""
    chosen = state.selected_node
    assert chosen is not None
    if shown.engine == "torch":
        yield text_of([torch_view.chain(shown, state.path, _ops(state, shown))])
        for number in state.path:
            if number != GAP:
                yield "  " + node(state, shown, shown.nodes[number])
        yield from _saved(state, shown, chosen)
        return
    missing = {number: _missing(shown, number) for number in state.path if number != GAP}
    if all(missing.values()):
        yield f"no torch here: {next(iter(missing.values()))}"
        return
    yield text_of([torch_view.chain(shown, state.path, _ops(state, shown))])
    for number in state.path:
        if number != GAP:
            yield "  " + (missing[number] or _compared(state, shown, shown.nodes[number]))


def _ops(state: State, shown: Pass) -> list[str | None]:
    if shown.engine == "torch":
        return [None if n == GAP else shown.nodes[n].op for n in state.path]
    twins = [None if n == GAP else shown.nodes[n].twin for n in state.path]
    return [None if twin is None else twin.op for twin in twins]


def _missing(shown: Pass, number: int) -> str:
    """Why a node has no twin; '' where it has one."""
    twin = shown.nodes[number].twin
    if twin is None:
        return "no twin was asked for (--no-twin)"
    return "" if twin.op is not None else f"{symbol(shown.nodes[number])}: {twin.missing}"


def _compared(state: State, shown: Pass, which: Node) -> str:
    ran = shown.ran_by(which.id, state.cursor.step)
    twin = which.twin if ran is None else twin_of(which, shown.messages[ran - 1])
    assert twin is not None
    theirs = "none" if twin.received is None else digits(twin.received)
    value = "" if twin.value is None else f" = {digits(twin.value)}"
    received = state.received_at(which.id)
    text = f"{symbol(which)}{value}: torch's gradient {theirs}, ours "
    if not received:
        return text + "not yet"
    text += told(received[0])
    if isinstance(received[0], float) and twin.received is not None:
        text += f", {_agreement(received[0], twin.received)}"
    return text


def _agreement(ours: float, theirs: float) -> str:
    mark, _, rest = torch_view.agreement(ours, theirs).text.strip().partition(" ")
    return {"=": "exactly equal", "≈": "equal up to rounding"}.get(mark, f"they differ by {rest}")


def _saved(state: State, shown: Pass, which: Node) -> Iterator[str]:
    ran = shown.ran_by(which.id, state.cursor.step)
    if which.leaf or ran is None:
        return
    saved = shown.messages[ran - 1].saved
    yield "saved by torch for this node: " + (
        "; ".join(f"{s.name} {told(s.value) if s.value is not None else s.note}" for s in saved) or "nothing"
    )
