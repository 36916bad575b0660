"""The edges about a node: who sends to it, where it sends, and what went along each up to the cursor.

Of many edges those around the newest contribution are told, and how many are left out on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len

from gradtui.trace import Pass
from gradtui.trace.model import Arrival
from gradtui.trace.numbers import short
from gradtui.views.amounts import within
from gradtui.views.rows import Role, Row, fit, row
from gradtui.views.state import State
from gradtui.wire.messages import Sent, Value

BRANCHES = 3
"""Rows for the second hops of one neighbour."""
START = 0
"""Stands for the sender of a root's own gradient (node ids count from 1)."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge of the graph and what went along it up to the cursor."""

    sender: int
    to: int
    values: tuple[Value | None, ...] = ()
    """Contributions so far; more than one where the sender ran more than once."""
    ran: bool = False
    """Has the sender run? It may have sent nothing."""
    now: bool = False
    """Did the step under the cursor send along it?"""
    overwrote: bool = False

    @property
    def role(self) -> Role:
        """How it is painted."""
        return "bad" if self.overwrote else "now" if self.now else "" if self.values else "dim"

    @property
    def drawn(self) -> bool:
        """A whole line? Of a root that others send to, its own gradient is not known apart from theirs."""
        return bool(self.values) or (self.ran and self.sender == START)

    def number(self, width: int) -> str:
        """The contribution; `= ` before one that overwrote; '' where it is still to come."""
        if not self.values:
            return "nothing" if self.ran and self.sender != START else ""
        if len(self.values) > 1:
            text = ", ".join(short(value, 3) for value in self.values)
            return text if len(text) <= width else f"{len(self.values)} times"
        value = self.values[0]
        return (
            f"= {within(value, width - 2)}" if self.overwrote else fit(within(value, width), width).rstrip()
        )

    def arrow(self, width: int, head: str = "▶", tail: str = "") -> Row:
        """`─── 0.5 ────▶` with room for a number of `width` cells."""
        text, line = self.number(width), "─" if self.drawn else "╌"
        text = f" {text} " if text else ""
        left = (width + 4 - cell_len(text)) // 2
        drawn = line * left + text + line * (width + 4 - cell_len(text) - left)
        return row(((tail + drawn[len(tail) :] if tail else drawn) + head, self.role))


@dataclass
class Side:
    """The edges that are shown on one side of a node, and how many are not, before and behind them."""

    edges: list[Edge]
    before: int = 0
    behind: int = 0
    hops: dict[int, Side] = field(default_factory=dict)
    """By index of an edge: the edges of its other end, one hop further."""

    def __len__(self) -> int:
        """Rows that the edges take, without the hops."""
        return len(self.edges) + bool(self.before) + bool(self.behind)


Key = tuple[int, int, int]
"""Sender, receiver, and which of the sender's edges: two for `a + a`."""


def senders(state: State, shown: Pass, node: int, room: int) -> Side:
    """The edges into a node: those with a contribution in the order of arrival, then the others."""
    found: dict[Key, list[Arrival]] = {}
    for arrival in shown.ledger(node, state.cursor.step):
        found.setdefault((arrival.sender, node, arrival.slot), []).append(arrival)
    newest = len(found) - 1
    for user in dict.fromkeys(shown.users.get(node, [])):
        for slot, target in enumerate(shown.nodes[user].inputs):
            if target == node:
                found.setdefault((user, node, slot), [])
    side = _window(state, shown, found, newest, room)
    if node in shown.began.roots and not side.before:
        values = state.received_at(node) or ()
        side.edges.insert(0, Edge(START, node, values if not found else (), ran=bool(values)))
        if len(side) > room and len(side.edges) > 1:
            side.edges.pop()
            side.behind += 1
    return side


def targets(state: State, shown: Pass, node: int, room: int) -> Side:
    """The edges out of a node, one an operand, then what it wrote to nodes that are no operand."""
    inputs = shown.nodes[node].inputs
    found: dict[Key, list[Arrival]] = {
        (node, to, slot): [] for slot, to in enumerate(inputs) if to is not None
    }
    for run in shown.runs.get(node, []):
        for slot, sent in enumerate(shown.messages[run - 1].sent if run <= state.cursor.step else ()):
            if sent is not None and sent.to in shown.nodes:
                found.setdefault((node, sent.to, slot), []).append(Arrival(run, slot, node, sent))
    return _window(state, shown, found, 0, room)


def _window(state: State, shown: Pass, found: dict[Key, list[Arrival]], newest: int, room: int) -> Side:
    """What fits of the edges, around the newest; the rows that tell how many are left out count."""
    first, size = 0, len(found)
    if size > room:
        size = max(0, room - 1)
        first = max(0, min(newest - size // 2, len(found) - size)) if room > 2 else 0
        if 0 < first < len(found) - size:
            size, first = size - 1, first + 1
    keys = list(found)[first : first + size]
    edges = [_edge(state, shown, key, found[key]) for key in keys]
    return Side(edges, first, len(found) - first - size)


def _edge(state: State, shown: Pass, key: Key, arrivals: Sequence[Arrival]) -> Edge:
    sent: list[Sent] = [a.sent for a in arrivals]
    return Edge(
        key[0],
        key[1],
        tuple(s.value for s in sent),
        ran=shown.ran_by(key[0], state.cursor.step) is not None,
        now=any(a.step == state.cursor.step for a in arrivals),
        overwrote=any(s.overwrote for s in sent),
    )


def add_hops(state: State, shown: Pass, side: Side, room: int, up: bool) -> None:
    """The edges one hop further, each once, as long as all rows of the side fit."""
    seen, left = {START}, room - len(side)
    for i, edge in enumerate(side.edges):
        other = edge.sender if up else edge.to
        if other in seen:
            continue
        seen.add(other)
        hop = (senders if up else targets)(state, shown, other, min(BRANCHES, 1 + left))
        if hop.edges and len(hop) <= 1 + left:
            left -= len(hop) - 1
            side.hops[i] = hop
