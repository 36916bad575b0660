"""Which tensors of a node can be looked at: those the program holds at its stop, those that were recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gradtui.views.state import State
from gradtui.wire.messages import Node, Value


@dataclass(frozen=True)
class Tensor:
    """One of them."""

    name: str
    live: bool
    """Can it be asked for in the program?"""
    recorded: Value | None = None
    """What the trace has of it."""


def standing(state: State) -> bool:
    """Does the program stand where the person looks? Then its tensors can be read."""
    stop = state.stopped
    return (
        stop is not None
        and state.at_edge
        and (stop.number, stop.step)
        == (
            state.cursor.number,
            state.cursor.step,
        )
    )


def tensors_of(state: State, node: Node, readable: Sequence[str]) -> list[Tensor]:
    """The tensors of a node at the cursor; `readable`: those that the program holds of it."""
    recorded = dict(_recorded(state, node))
    live = [Tensor(name, True, recorded.get(name)) for name in readable]
    rest = [Tensor(name, False, value) for name, value in recorded.items() if name not in readable]
    return [*live, *rest]


def _recorded(state: State, node: Node) -> Iterator[tuple[str, Value]]:
    """What the trace knows of a node as of the cursor, by the names of the live ones."""
    for i, value in enumerate(state.received_at(node.id) or ()):
        if value is not None:
            yield f"received[{i}]", value
    shown = state.shown_pass
    ran = None if shown is None else shown.ran_by(node.id, state.cursor.step)
    if shown is not None and ran is not None:
        message = shown.messages[ran - 1]
        for i, sent in enumerate(message.sent):
            if sent is not None:
                yield f"sent[{i}]", sent.value
        if message.accumulated is not None:
            for name, account in (
                ("before", message.accumulated.before),
                ("after", message.accumulated.after),
            ):
                if account is not None:
                    yield f"grad {name}", account
        yield from (
            (f"saved.{saved.name}", saved.value) for saved in message.saved if saved.value is not None
        )
    if node.value is not None:
        yield ("value" if node.leaf else "output"), node.value
