"""Which tensors of a node can be looked at: those the program holds at its stop, those that were recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from gradtui.views.state import State
from gradtui.wire.messages import Inspected, Node, Value

_LATER = "; at a live stop"
"""What a note goes on with that belongs to a recording."""


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


def coming(state: State) -> Node | None:
    """The node that the program, which stands where the person looks, is about to run."""
    stop, shown = state.stopped, state.shown_pass
    if stop is None or stop.next is None or shown is None or not standing(state):
        return None
    return shown.nodes.get(stop.next)


def about_to_run(state: State, how: str) -> str:
    """`; about to run is node 3 (h): n shows its tensors`; '' where no node is. `how`: to look at it."""
    node = coming(state)
    if node is None:
        return ""
    return f"; about to run is node {node.id} ({node.name or node.op or 'leaf'}): {how}"


def gone(seen: Inspected, state: State, how: str) -> Inspected:
    """What was recorded of a tensor that is no more, told where the program stands."""
    note, found, _ = seen.note.partition(_LATER)
    if not found or not standing(state):
        return seen
    return replace(seen, note=f"{note}: it is not there any more{about_to_run(state, how)}")


def never(state: State, node: Node, what: str) -> str:
    """Why there is no such gradient, of a node that has run; '' where there is one, or that is not known."""
    kind, _, index = what.rstrip("]").partition("[")
    shown = state.shown_pass
    ran = None if shown is None else shown.ran_by(node.id, state.cursor.step)
    if shown is None or ran is None or kind not in ("received", "sent"):
        return ""
    message = shown.messages[ran - 1]
    count = len(message.received if kind == "received" else message.sent)
    if int(index) < count:
        return ""
    return f"there is no {what}: the node {kind} " + ("1 gradient" if count == 1 else f"{count} gradients")


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
