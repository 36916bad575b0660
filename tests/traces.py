"""Small traces: a fitted slope, and passes written by hand."""

from __future__ import annotations

from collections.abc import Sequence

import gradtui
from gradtui.scalar import Value
from gradtui.trace import Trace
from gradtui.wire.messages import Event, Node, PassBegan, PassEnded, Sent, Stepped


def trained(times: int, rate: float = 0.1, anew: bool = False) -> Trace:
    """A slope is fitted; with `anew` each pass has a parameter object of its own."""
    with gradtui.record(twin=False) as trace:
        w = Value(3.0)
        for _ in range(times):
            w.grad = 0.0
            loss = (w * 2.0 - 1.0) ** 2
            loss.backward()
            w.data -= rate * w.grad
            if anew:
                w = Value(w.data)
    return trace


def losses_of(rate: float, times: int) -> list[float]:
    """The same in plain Python."""
    w, found = 3.0, []
    for _ in range(times):
        found.append((w * 2.0 - 1.0) ** 2)
        w -= rate * 2 * (w * 2.0 - 1.0) * 2.0
    return found


def leaf(trace: Trace, name: str, number: int = 1) -> Node:
    shown = trace.pass_numbered(number)
    assert shown is not None
    return next(node for node in shown.nodes.values() if node.name == name)


def events(values: Sequence[float], ended: bool = True) -> list[Event]:
    """Passes of one node over one leaf, by hand: the last one may still be open."""
    found: list[Event] = []
    for number, value in enumerate(values, 1):
        root = Node(1, "sum", (2,), False, "loss", True, value)
        nodes = (root, Node(2, "", (), True, "w", True, 1.0))
        found.append(PassBegan(number, "scalar", (1,), nodes, before=((2, 0.0),)))
        sent = Sent(2, value, 0.0, value)
        found.append(Stepped(number, 1, 1, (1.0,), (sent,)))
        if ended or number < len(values):
            found.append(PassEnded(number))
    return found
