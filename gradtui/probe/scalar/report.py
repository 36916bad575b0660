"""Turns what `ScalarPass` sees into messages, and stops the program before each node."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType, FrameType, FunctionType
from typing import Any

import msgspec

from gradtui.probe.gradients import Gradients
from gradtui.probe.numbers import is_zero, number
from gradtui.probe.reporter import Reporter
from gradtui.probe.scalar.graph import MISSING, Entry, attribute
from gradtui.probe.scalar.leaves import ScalarLeaf
from gradtui.probe.scalar.one_pass import ScalarPass
from gradtui.probe.scalar.spot import ScalarSpot
from gradtui.probe.scalar.step import Step
from gradtui.probe.scalar.twin import TwinGraph
from gradtui.userapi import Shape
from gradtui.wire.messages import (
    Accumulated,
    Node,
    PassBegan,
    PassEnded,
    Place,
    Sent,
    Stepped,
    Twin,
    Value,
    Write,
)


class ScalarReport:
    """The account of one pass. `twin`: its torch side, why there is none, or None when nobody wants one."""

    def __init__(
        self,
        reporter: Reporter,
        entries: list[Entry],
        twin: TwinGraph | str | None,
        shape: Shape,
        gradients: Gradients,
    ) -> None:
        self.reporter = reporter
        self.place: Callable[[FrameType | None], Place | None] = reporter.places.place
        """The line a frame stands at."""
        self._entries = entries
        self._gradients = gradients
        self._used: dict[int, int] = {}
        self._leaves = {e.id: ScalarLeaf(e, shape) for e in entries if e.leaf and not self._constant(e)}
        self._torch = twin
        self._twins: dict[int, Twin] = {}
        self.nodes: dict[int, Node] = {}
        self.held: dict[int, Value] = {}
        """What nodes held as the pass began."""
        self.frame: FrameType | None = None
        """Of the program's, which called backward."""
        self.number = 0  # given once nothing of ours can fail any more
        self.steps = 0
        self.later: dict[int, float] = {}
        """Numbers that the person gives leaves as the pass ends."""
        self._shape = shape
        self._caller: FrameType | None = None
        self._accounted: dict[int, Value | None] = {}
        self._watch: ScalarPass | None = None

    def begin(self, watch: ScalarPass, caller: FrameType) -> None:
        """The pass is about to run, called from there."""
        stack = self.reporter.places.use(self.reporter.places.stack(caller))
        with self.reporter.mute():  # the twin is asked about every node
            nodes = tuple([self._node(entry) for entry in self._entries])
        held = [(e, number(e.before)) for e in self._entries if e.leaf or not is_zero(e.before)]
        before = tuple([(entry.id, grad) for entry, grad in held if grad is not None])
        self.nodes, self.held, self.frame = {node.id: node for node in nodes}, dict(before), caller
        used = self._used = self._gradients.begins(self._leaves)
        self._watch = watch
        self.number = self.reporter.new_pass()
        self.reporter.stops.begin_pass()
        self.reporter.began(
            PassBegan(self.number, "scalar", (nodes[0].id,), nodes, stack, before, used=tuple(used.items()))
        )

    def _constant(self, entry: Entry) -> bool:
        """Was this leaf made by the engine itself, around a number (`2 * a`)?"""
        return not entry.named and bool(self.reporter.places.engine_functions(entry.made.stack))

    def _node(self, entry: Entry) -> Node:
        leaf = not entry.operands
        return Node(
            entry.id,
            entry.op,
            entry.slots,
            leaf,
            entry.name,
            entry.named,
            entry.value,
            self.reporter.places.use(entry.made.stack),
            None,
            not (leaf and self._constant(entry)),
            self._twin_of(entry),
            (),
            entry.precision,
        )

    def fault(self, error: Exception) -> None:
        """Something went wrong in us while the program ran."""
        self.reporter.fault(error, "watch the rest of a pass")

    def before(self, entry: Entry, received: Value | None) -> None:
        """A node is about to run; blocks while the person looks."""
        if not self.reporter.stops.interested():
            return
        if entry.leaf and self._watch is not None:
            received = self._watch.account(entry).added
        self.reporter.stops.before(ScalarSpot(self, entry, received), (received,))

    def zero(self) -> list[int]:
        """Zero what the nodes hold."""
        zeroed = self._watch.zero() if self._watch is not None else []
        self._gradients.zeroed(zeroed, self._used)
        return zeroed

    def entry_of(self, node: int) -> Entry | None:
        """A node of the pass, by its id."""
        return next((entry for entry in self._entries if entry.id == node), None)

    def grad_of(self, entry: Entry) -> Any:
        """What a node's grad holds, unseen by anybody."""
        return None if self._watch is None else self._watch.grad_of(entry)

    def data_of(self, entry: Entry) -> Any:
        """A node's number as it is now."""
        found = attribute(entry.obj, self._shape.data)
        return None if found is MISSING else found

    def replace(self, entry: Entry, gradient: float) -> None:
        """Let a node that is about to run have received this in the pass."""
        if self._watch is not None:
            self._watch.replace(entry, gradient)

    def _change_leaves(self) -> None:
        """The pass is over: its leaves may have other numbers."""
        later, self.later = self.later, {}
        for entry in self._entries if later else ():
            if entry.id in later:
                kind = type(self.data_of(entry))
                new = later[entry.id]
                setattr(entry.obj, self._shape.data, new if kind is int else kind(new))
                entry.value = new
                if entry.id in self._leaves:
                    self._gradients.moved(entry.id, self._leaves[entry.id], self._used)

    def start_of(self, function: Any) -> Place | None:
        """The line at which a step function begins, None for what is not written in Python."""
        while type(function) is not FunctionType and isinstance(function, partial):
            function = function.func
        code = getattr(function, "__code__", None)
        return self.reporter.places.start(code) if isinstance(code, CodeType) else None

    def after(self, step: Step, outside: list[Write], more: bool) -> None:
        """A node has run."""
        entry = step.entry
        self.steps += 1
        accumulated = None
        received = step.received
        if not entry.operands and self._watch is not None:
            accumulated = self._watch.account(entry)
            self._accounted[entry.id] = accumulated.after
            received = accumulated.added
        sent = _by_slot(entry, step.writes)
        self.reporter.stepped(
            Stepped(
                self.number,
                self.steps,
                entry.id,
                (received,),
                sent,
                accumulated,
                self._twin_for(entry, received) if not step.failed else Twin(missing="the step raised"),
                (),
                tuple(outside),
                step.place,
                more,
                step.function,
            )
        )
        if self.reporter.stops.armed:
            self._stop_after(entry, received, sent)

    def _stop_after(self, entry: Entry, received: Value | None, sent: tuple[Sent | None, ...]) -> None:
        spot = ScalarSpot(
            self, entry, received, tuple([None if item is None else item.value for item in sent])
        )
        told = [(item.to, item.value) for item in sent if item is not None]
        hits = self.reporter.stops.after(spot, (received,), told)
        if hits:
            self.reporter.stops.stand("breakpoint", spot, self.steps, None, hits)

    def _twin_of(self, entry: Entry) -> Twin | None:
        """Torch's side of a node."""
        if self._torch is None or isinstance(self._torch, str):
            return None if self._torch is None else Twin(missing=self._torch)
        twin = self._twins[entry.id] = self._torch.of(entry)
        return twin

    def _twin_for(self, entry: Entry, received: Value | None) -> Twin | None:
        """Torch's side of a step that received something else than torch did; None for any other."""
        if received is None and self._watch is not None and self._watch.holds(entry):
            return Twin(missing="what it received is not one number")
        twin = self._twins.get(entry.id)
        if twin is None or not isinstance(self._torch, TwinGraph) or not isinstance(received, float):
            return None
        if self._torch.serves(entry, received):
            return None
        with self.reporter.mute():
            local = self._torch.local(entry, received)
        return None if local is None else msgspec.structs.replace(twin, local=local)

    def end(self, error: str | None) -> None:
        """The pass is over: account for the leaves that the engine never ran, or wrote to afterwards."""
        if self._watch is None:  # it never began
            return
        accounts: list[Accumulated] = []
        try:
            accounts.extend(self._late(self._watch))
            self._change_leaves()
            gained = {entry.id for entry in self._entries if entry.gained}
            leaves = {node: leaf for node, leaf in self._leaves.items() if node in gained}
            self._gradients.ends(self.number, leaves, self._used)
        finally:
            outside = tuple(self._watch.outside())
            self.reporter.ended(PassEnded(self.number, error, tuple(accounts), outside))
            self._caller, self.frame = self.frame, None
            self._watch = None  # it refers to us: neither shall wait for a garbage collection

    def stop(self) -> None:
        """Stop at the end of the pass when the person steps."""
        caller, self._caller = self._caller, None
        if self.number:
            self.reporter.stops.after_pass(self.number, self.steps, caller)

    def _late(self, watch: ScalarPass) -> Iterator[Accumulated]:
        """Accounts of the leaves whose gradient is not what their last step said."""
        for entry in self._entries:
            if entry.leaf:
                account = watch.account(entry)
                seen = self._accounted.get(entry.id, MISSING)
                unchanged = seen == account.after or (_nan(seen) and _nan(account.after))
                if not unchanged:
                    yield account


def _nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _by_slot(entry: Entry, writes: list[Sent]) -> tuple[Sent | None, ...]:
    """The writes of a step beside the operands they went to; further ones at the end."""
    if tuple([write.to for write in writes]) == entry.slots:  # by far the most
        return tuple(writes)
    slots: list[Sent | None] = [None] * len(entry.operands)
    further: list[Sent] = []
    for write in writes:
        for i, operand in enumerate(entry.operands):
            if operand.id == write.to and slots[i] is None:
                slots[i] = write
                break
        else:
            further.append(write)
    return (*slots, *further)
