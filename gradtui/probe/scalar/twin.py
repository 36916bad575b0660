"""The twin: the float64 torch graph beside a scalar graph, node for node, and torch's real pass over it.

Two questions are answered for a node. What does torch send in its own pass? And what does torch
send for what the engine's step really received? The second is asked only where the engine received
something else, so that a value that is wrong only because it was inherited is no fault of the node.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from gradtui.probe.scalar.choice import Chooser, Functions
from gradtui.probe.scalar.graph import Entry, users_first
from gradtui.probe.scalar.operations import Function
from gradtui.userapi import Shape
from gradtui.wire.messages import Twin

LARGEST = 200_000
"""Nodes; above it the twin would take more memory than the program."""
AT_ONCE = 4_096
"""Tensors whose numbers are read in one call, which costs a fifth of one call each."""


class _Pair:
    """One node's torch side."""

    __slots__ = ("composite", "function", "missing", "op", "received", "sent", "tensor", "value")

    def __init__(self, tensor: Any, function: Function | None, missing: str | None, value: float) -> None:
        self.tensor = tensor
        self.function = function
        self.missing = missing
        self.value = value
        self.op = "AccumulateGrad"
        self.received: float | None = None
        self.sent: tuple[float | None, ...] = ()
        self.composite = False  # several torch nodes for the one op: its edges are not the operands


class TwinGraph:
    """Built at the start of a pass from the engine's nodes (operands after their users), run at once.

    `torch`: the imported module. `order`: the entries once more, operands first. `seed`: the
    gradient that the root starts with. `functions`: the engine's functions that made an object.
    """

    def __init__(
        self,
        torch: Any,
        entries: list[Entry],
        order: list[Entry],
        shape: Shape,
        seed: float,
        functions: Functions = lambda _: (),
    ) -> None:
        self._torch = torch
        self._pairs: dict[int, _Pair] = {}
        self._chooser = Chooser(torch, shape, lambda entry: self._pairs[entry.id].tensor, functions)
        self._kinds: dict[Function, tuple[str, tuple[int, ...]]] = {}
        with torch._C.DisableTorchFunction(), torch.enable_grad():
            if not self._build_all(order):
                for entry in order:
                    self._pairs[entry.id] = self._build(entry)
            self._run(entries, seed)
        self._broken = self._unreached(entries)

    # -------------------------------------------------------------- building

    def _build_all(self, order: list[Entry]) -> bool:
        """Build with the one function of each op and compare all values at once.

        An op that may mean several is looked at by itself. False where a value disagrees or an op
        has no function: then each node has to be looked at by itself, which takes twice as long.
        """
        if not all(isinstance(entry.value, float) for entry in order):
            return False
        self._build_leaves([entry for entry in order if not entry.operands])
        quick = []
        for entry in order:
            if not entry.operands:
                continue
            function = self._chooser.likeliest(entry)
            if function is None:
                self._pairs[entry.id] = self._build(entry)
            elif self._build_quickly(entry, function):
                quick.append((entry, function))
            else:
                return False
        values = self._numbers([self._pairs[entry.id].tensor for entry, _ in quick])
        for (entry, function), value in zip(quick, values):
            if value != entry.value and not self._chooser.agrees(entry, function, value, entry.operands):
                return False
            self._pairs[entry.id].value = value
        return True

    def _build_leaves(self, leaves: list[Entry]) -> None:
        """All from one tensor: each by itself takes ten times as long."""
        values: list[Any] = [entry.value for entry in leaves]
        tensors = self._torch.tensor(values, dtype=self._torch.float64).unbind()
        for entry, value, tensor in zip(leaves, values, tensors):
            self._pairs[entry.id] = _Pair(tensor.requires_grad_(), None, None, value)

    def _build_quickly(self, entry: Entry, function: Function) -> bool:
        try:
            tensor = function(*[self._pairs[o.id].tensor for o in entry.operands])
        except (TypeError, RuntimeError, ValueError):
            return False
        self._pairs[entry.id] = _Pair(tensor, function, None, 0.0)
        return True

    def _numbers(self, tensors: list[Any]) -> list[float]:
        """The numbers of tensors without dimensions."""
        if not tensors:
            return []
        with self._torch.no_grad():
            numbers: list[float] = self._torch.stack(tensors).tolist()
        return numbers

    def _leaf(self, value: float, missing: str | None = None) -> _Pair:
        tensor = self._torch.tensor(value, dtype=self._torch.float64, requires_grad=True)
        return _Pair(tensor, None, missing, value)

    def _build(self, entry: Entry) -> _Pair:
        if not isinstance(entry.value, float):
            return self._leaf(0.0, "its value is not one number")
        if entry.leaf:
            return self._leaf(entry.value)
        choice = self._chooser.choose(entry)
        if isinstance(choice, str):
            return self._leaf(entry.value, choice)
        entry.operands = choice.operands
        return _Pair(choice.tensor, choice.function, None, choice.value)

    # --------------------------------------------------------------- running

    def _run(self, entries: list[Entry], seed: float) -> None:
        root = self._pairs[entries[0].id]
        notes = _Notes(self._numbers)
        handles = []
        for entry in entries:
            pair = self._pairs[entry.id]
            if pair.function is not None:
                node = pair.tensor.grad_fn
                pair.op, edges = self._kind(node, pair.function)
                pair.composite = len(edges) != len(entry.operands)
                handles.append(node.register_hook(notes.hook(pair, () if pair.composite else edges)))
        root.tensor.backward(self._torch.tensor(seed, dtype=self._torch.float64))
        for handle in handles:  # a hook left on a node would keep its own tensor alive for ever
            handle.remove()
        notes.read()
        leaves = [p for p in self._pairs.values() if p.function is None and p.tensor.grad is not None]
        for pair, received in zip(leaves, self._numbers([pair.tensor.grad for pair in leaves])):
            pair.received = received

    def _kind(self, node: Any, function: Function) -> tuple[str, tuple[int, ...]]:
        """Torch's name for a node and the positions of its edges: all that a function makes are alike."""
        known = self._kinds.get(function)
        if known is None:
            edges = tuple([i for i, (target, _) in enumerate(node.next_functions) if target is not None])
            known = self._kinds[function] = node.name(), edges
        return known

    def _unreached(self, entries: list[Entry]) -> dict[int, str]:
        """Below an op without a twin torch's own pass lacks a part: say so rather than show half a sum."""
        broken: dict[int, str] = {}
        if not any(pair.missing for pair in self._pairs.values()):
            return broken
        for entry in users_first(entries):
            pair = self._pairs[entry.id]
            why = broken.get(entry.id)
            if why is not None and pair.missing is None:
                pair.received, pair.sent = None, ()
            elif pair.missing is not None:
                why = pair.missing
            if why is not None:
                text = why if why.startswith("above it: ") else f"above it: {why}"
                for operand in entry.operands:
                    broken.setdefault(operand.id, text)
        return broken

    # ---------------------------------------------------------------- asking

    def of(self, entry: Entry) -> Twin:
        """Torch's side of a node, in torch's own pass."""
        pair = self._pairs[entry.id]
        if pair.missing is not None:
            return Twin(missing=pair.missing)
        broken = self._broken.get(entry.id)
        if pair.composite and pair.function is not None and pair.received is not None:
            pair.sent, pair.composite = self._local(entry, pair.function, pair.received), False
        return Twin(pair.op, pair.value, pair.received, pair.sent, None, broken)

    def serves(self, entry: Entry, received: float) -> bool:
        """Does torch's own pass tell what it would send for `received`?"""
        pair = self._pairs[entry.id]
        return pair.function is None or (
            entry.id not in self._broken and (received == pair.received or _nearly(received, pair.received))
        )

    def local(self, entry: Entry, received: float) -> tuple[float | None, ...] | None:
        """What torch sends for `received`; None for a node that sends nothing."""
        function = self._pairs[entry.id].function
        return None if function is None else self._local(entry, function, received)

    def _local(self, entry: Entry, function: Function, received: float) -> tuple[float | None, ...]:
        torch = self._torch
        with torch._C.DisableTorchFunction(), torch.enable_grad():
            slots = [self._pairs[o.id].tensor.detach().requires_grad_() for o in entry.operands]
            out = function(*slots)
            grads = torch.autograd.grad(
                out, slots, torch.tensor(received, dtype=torch.float64), allow_unused=True
            )
        return tuple(None if g is None else g.item() for g in grads)


class _Notes:
    """What the hooks of the twin's pass were given, until the numbers are read, many at once."""

    def __init__(self, numbers: Callable[[list[Any]], list[float]]) -> None:
        self._numbers = numbers
        self._tensors: list[Any] = []
        self._waiting: list[tuple[_Pair, tuple[bool, ...]]] = []  # and which of its edges had a tensor

    def hook(self, pair: _Pair, edges: tuple[int, ...]) -> Callable[[Any, Any], None]:
        """A hook for the pair's node; it takes note of what goes along these edges."""

        def hook(sent: Any, received: Any) -> None:
            tensors = [sent[i] for i in edges]
            self._waiting.append((pair, tuple([tensor is not None for tensor in tensors])))
            self._tensors.append(received[0])
            self._tensors += [tensor for tensor in tensors if tensor is not None]
            if len(self._tensors) > AT_ONCE:
                self.read()

        return hook

    def read(self) -> None:
        """Give every pair its numbers."""
        numbers = iter(self._numbers(self._tensors))
        for pair, there in self._waiting:
            pair.received = next(numbers)
            pair.sent = tuple([next(numbers) if some else None for some in there])
        self._tensors, self._waiting = [], []


def _nearly(a: float | None, b: float | None) -> bool:
    """The same up to rounding: then torch's own contributions serve for the comparison."""
    if a is None or b is None:
        return a is b
    return a == b or (a != a and b != b) or math.isclose(a, b, rel_tol=1e-9)
