"""The model of a run: passes, steps, arrivals, leaves. Written by `Trace.fold` only, read by everyone."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from gradtui.trace.names import symbol
from gradtui.wire.messages import (
    Accumulated,
    Changed,
    Event,
    Node,
    PassBegan,
    PassEnded,
    Replaced,
    Saved,
    Sent,
    Stepped,
    Twin,
    Value,
    Zeroed,
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One contribution as its receiver sees it."""

    step: int
    """The step that sent it, counted from 1."""
    slot: int
    """Which of the sender's edges it came along."""
    sender: int
    sent: Sent


@dataclass(frozen=True, slots=True)
class Leaf:
    """What one pass did to one leaf."""

    name: str | None
    node: Node
    before: Value | None
    """`.grad` before the pass; None where it was None."""
    added: Value | None
    after: Value | None
    """`.grad` after the pass, or at its last known step while the pass runs."""


class Step:
    """The engine ran one node: a view of a `Stepped` message beside its node."""

    __slots__ = ("message", "node")

    def __init__(self, message: Stepped, node: Node) -> None:
        self.message = message
        self.node = node

    @property
    def number(self) -> int:
        """Counted from 1 within the pass."""
        return self.message.step

    @property
    def op(self) -> str:
        """The engine's own word for the operation."""
        return self.node.op

    @property
    def name(self) -> str | None:
        """The node's name, or its expression, or None."""
        return self.node.name

    @property
    def received(self) -> tuple[Value | None, ...]:
        """The gradient for each output of the node, already summed."""
        return self.message.received

    @property
    def sent(self) -> tuple[Sent | None, ...]:
        """One contribution per edge."""
        return self.message.sent

    @property
    def accumulated(self) -> Accumulated | None:
        """For a leaf: `.grad` before, what was added, `.grad` after."""
        return self.message.accumulated

    @property
    def twin(self) -> Twin | None:
        """Torch's side of a scalar engine's step."""
        return twin_of(self.node, self.message)

    @property
    def saved(self) -> tuple[Saved, ...]:
        """What torch saved for this node."""
        return self.message.saved

    def __repr__(self) -> str:
        return f"<Step {self.number} {self.op or 'leaf'} {self.name or ''}>"


def twin_of(node: Node, step: Stepped) -> Twin | None:
    """Torch's side of a step: the node's own, or the one for what the step received."""
    return step.twin if step.twin is not None else node.twin


class Steps(Sequence[Step]):
    """The steps of a pass; `steps[0]` is step 1. Views are made when asked for."""

    def __init__(self, nodes: dict[int, Node], messages: list[Stepped]) -> None:
        self._nodes = nodes
        self._messages = messages

    def __len__(self) -> int:
        return len(self._messages)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> list[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | list[Step]:
        if isinstance(index, slice):
            return [Step(m, self._nodes[m.node]) for m in self._messages[index]]
        message = self._messages[index]
        return Step(message, self._nodes[message.node])

    def __iter__(self) -> Iterator[Step]:
        return (Step(m, self._nodes[m.node]) for m in self._messages)


class Pass:
    """One backward pass: its graph and what the engine did over it."""

    def __init__(self, began: PassBegan) -> None:
        self.began = began
        self.nodes: dict[int, Node] = {node.id: node for node in began.nodes}
        self.ended: PassEnded | None = None
        self.messages: list[Stepped] = []
        self.steps = Steps(self.nodes, self.messages)
        self.reached = array("q")
        """For each step number from 0, its place in the trace's order of arrival."""
        self.runs: dict[int, list[int]] = {}
        """Step numbers at which each node ran."""
        self.arrivals: dict[int, list[Arrival]] = {}
        """The ledger of each node."""
        self.before: dict[int, Value] = dict(began.before)
        """What nodes held as the pass began; less what the person has had zeroed there."""
        self.used: dict[int, int] = dict(began.used)
        """Leaves that held a gradient already used, each with the pass that it came from."""
        self.came_from: dict[int, int] = {}
        """For leaves that held a gradient as the pass began: the pass that last added to it, where known."""
        self.replaced: list[Replaced] = []
        """Gradients that the person has replaced, in order; of one replaced again the last holds."""
        self.changed: list[Changed] = []
        """Leaves that the person gives other values as the pass ends."""
        self._users: dict[int, list[int]] | None = None
        self._edges: int | None = None
        self._shared: set[str] | None = None

    # ---------------------------------------------------------------- writing

    def fold(self, event: Event) -> None:
        """Take in a message about this pass. Only `Trace.fold`, and who unpacks a pass, call this."""
        match event:
            case Stepped():
                self._add(event)
            case PassEnded():
                self.ended = event
            case Zeroed():
                self._zeroed(event.nodes)
            case Replaced():
                self.replaced.append(event)
            case Changed():
                self.changed.append(event)

    def _add(self, message: Stepped) -> None:
        self.messages.append(message)
        self.runs.setdefault(message.node, []).append(message.step)
        arrivals = self.arrivals
        for slot, sent in enumerate(message.sent):
            if sent is not None:
                arrivals.setdefault(sent.to, []).append(Arrival(message.step, slot, message.node, sent))

    def _zeroed(self, nodes: Iterable[int]) -> None:
        """The person had gradients zeroed as the pass began."""
        for node in nodes:
            self.used.pop(node, None)
            self.came_from.pop(node, None)
            self.before.pop(node, None)
            if self.engine == "scalar":
                self.before[node] = 0.0

    # ---------------------------------------------------------------- reading

    @property
    def number(self) -> int:
        """Counted from 1 within the run."""
        return self.began.number

    @property
    def light(self) -> bool:
        """Was it not recorded, because only breakpoints were armed?"""
        return self.began.light

    @property
    def engine(self) -> str:
        """`torch` or `scalar`."""
        return self.began.engine

    @property
    def root(self) -> Node:
        """The (first) node that the pass starts from."""
        return self.nodes[self.began.roots[0]]

    @property
    def edges(self) -> int:
        """Edges of the graph."""
        if self._edges is None:
            self._edges = sum(1 for node in self.nodes.values() for i in node.inputs if i is not None)
        return self._edges

    @property
    def users(self) -> dict[int, list[int]]:
        """For each node, the nodes that send to it, one entry per edge."""
        if self._users is None:
            users: dict[int, list[int]] = {}
            for node in self.nodes.values():
                for target in node.inputs:
                    if target is not None:
                        users.setdefault(target, []).append(node.id)
            self._users = users
        return self._users

    @property
    def shared(self) -> set[str]:
        """Names that several nodes bear: a model's blocks have the same variables."""
        if self._shared is None:
            names = Counter(node.name for node in self.nodes.values() if node.name)
            self._shared = {name for name, times in names.items() if times > 1}
        return self._shared

    def symbol(self, node: Node) -> str:
        """In a formula: its name, with its number where other nodes bear it (`x#12`); else its number."""
        name = symbol(node)
        return f"{name}#{node.id}" if node.named and not node.leaf and node.name in self.shared else name

    def label(self, node: Node) -> str:
        """In a list: the same, with the module that made it where the name does not tell it apart."""
        name, known = self.symbol(node), node.leaf or (node.name and node.name not in self.shared)
        return name if known or not node.module else f"{name} in {node.module}"

    def ran_by(self, node: int, step: int) -> int | None:
        """The last step up to `step` at which the node ran, None if it had not."""
        runs = self.runs.get(node)
        if not runs or runs[0] > step:
            return None
        return next(r for r in reversed(runs) if r <= step)

    def replaced_in(self, step: int) -> dict[int, Replaced]:
        """What the person has had the node of a step run with, by the place of what it received."""
        return {item.slot: item for item in self.replaced if item.step == step}

    def ledger(self, node: int, step: int | None = None) -> list[Arrival]:
        """Contributions that the node was sent up to `step` (all of them by default)."""
        arrivals = self.arrivals.get(node, [])
        return arrivals if step is None else [a for a in arrivals if a.step <= step]

    def leaf_at(self, node: Node, step: int | None = None) -> Leaf:
        """A leaf's account as it stood after `step` steps (at the pass's end by default)."""
        account = self._account(node.id, step)
        if account is not None:
            return Leaf(node.name, node, account.before, account.added, account.after)
        before = self.before.get(node.id)
        if self.engine == "scalar":
            arrived = self.ledger(node.id, step)
            last = arrived[-1].sent.after if arrived else None
            after = before if last is None else last
            added = after - before if isinstance(after, float) and isinstance(before, float) else None
            return Leaf(node.name, node, before, added if arrived else None, after)
        return Leaf(node.name, node, before, None, before)

    def _account(self, node: int, step: int | None) -> Accumulated | None:
        end = self.ended if step is None or step >= len(self.messages) else None
        if end is not None:
            for account in end.leaves:
                if account.node == node:
                    return account
        ran = self.ran_by(node, len(self.messages) if step is None else step)
        return None if ran is None else self.messages[ran - 1].accumulated

    @property
    def leaves(self) -> dict[str, Leaf]:
        """Every named leaf, before and after the pass, by name."""
        return {
            node.name: self.leaf_at(node)
            for node in self.nodes.values()
            if node.leaf and node.named and node.name is not None
        }

    def __repr__(self) -> str:
        return f"<Pass {self.number} {self.engine}: {len(self.nodes)} nodes, {len(self.steps)} steps>"
