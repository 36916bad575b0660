"""The twin: the float64 torch graph beside a scalar graph, node for node, and torch's real pass over it.

Two questions are answered for a node. What does torch send in its own pass? And what does torch
send for what the engine's step really received? The second is asked only where the engine received
something else, so that a value that is wrong only because it was inherited is no fault of the node.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from gradtui.probe.operations import candidates
from gradtui.probe.scalar_graph import Entry, closure, users_first
from gradtui.userapi import Shape
from gradtui.wire.messages import Twin

CLOSE = 1e-6
"""Relative difference up to which a forward value agrees."""
LARGEST = 200_000
"""Nodes; above it the twin would take more memory than the program."""


class _Pair:
    """One node's torch side."""

    __slots__ = ("composite", "function", "missing", "received", "sent", "tensor")

    def __init__(self, tensor: Any, function: Callable[..., Any] | None, missing: str | None) -> None:
        self.tensor = tensor
        self.function = function
        self.missing = missing
        self.received: float | None = None
        self.sent: tuple[float | None, ...] = ()
        self.composite = False  # several torch nodes for the one op: its edges are not the operands


class TwinGraph:
    """Built at the start of a pass from the engine's nodes (operands after their users), run at once.

    `torch`: the imported module. `seed`: the gradient that the root starts with.
    """

    def __init__(self, torch: Any, entries: list[Entry], shape: Shape, seed: float) -> None:
        self._torch = torch
        self._shape = shape
        self._pairs: dict[int, _Pair] = {}
        with torch._C.DisableTorchFunction(), torch.enable_grad():
            for entry in users_first(entries)[::-1]:
                self._pairs[entry.id] = self._build(entry)
            self._run(entries, seed)
        self._mark_unreached(entries)

    # -------------------------------------------------------------- building

    def _leaf(self, value: float, missing: str | None = None) -> _Pair:
        tensor = self._torch.tensor(value, dtype=self._torch.float64, requires_grad=True)
        return _Pair(tensor, None, missing)

    def _build(self, entry: Entry) -> _Pair:
        if not isinstance(entry.value, float):
            return self._leaf(0.0, "its value is not one number")
        if entry.leaf:
            return self._leaf(entry.value)
        named = False
        held = partial(_numbers_held, entry, self._shape)
        for function in candidates(self._torch, entry.op, len(entry.operands), held):
            named = True
            pair = self._try(entry, function)
            if pair is not None:
                return pair
        if named:
            why = f"torch's '{entry.op}' gives another forward value than {entry.value!r}"
        else:
            why = f"no twin for op '{entry.op}'"
        return self._leaf(entry.value, why)

    def _try(self, entry: Entry, function: Callable[..., Any]) -> _Pair | None:
        """The node in torch if the forward value agrees, with the operands in another order if needed."""
        operands = list(entry.operands)
        orders = [operands]
        if not entry.ordered and len(operands) == 2:
            orders.append(operands[::-1])
        for order in orders:
            try:
                tensor = function(*[self._pairs[o.id].tensor for o in order])
            except (TypeError, RuntimeError, ValueError):
                return None
            if agrees(tensor.item(), entry.value):
                entry.operands = order
                return _Pair(tensor, function, None)
        return None

    # --------------------------------------------------------------- running

    def _run(self, entries: list[Entry], seed: float) -> None:
        root = self._pairs[entries[0].id]
        handles = []
        for entry in entries:
            pair = self._pairs[entry.id]
            if pair.function is not None:
                handles.append(pair.tensor.grad_fn.register_hook(_note(pair, len(entry.operands))))
        root.tensor.backward(self._torch.tensor(seed, dtype=self._torch.float64))
        for handle in handles:  # a hook left on a node would keep its own tensor alive for ever
            handle.remove()
        for entry in entries:
            pair = self._pairs[entry.id]
            if pair.function is None and pair.tensor.grad is not None:
                pair.received = pair.tensor.grad.item()

    def _mark_unreached(self, entries: list[Entry]) -> None:
        """Below an op without a twin torch's own pass lacks a part: say so rather than show half a sum."""
        broken: dict[int, str] = {}
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
        self._broken = broken

    # ---------------------------------------------------------------- asking

    def of(self, entry: Entry) -> Twin:
        """Torch's side of a node, in torch's own pass."""
        pair = self._pairs[entry.id]
        value: float = pair.tensor.item()
        if pair.missing is not None:
            return Twin(missing=pair.missing)
        broken = self._broken.get(entry.id)
        if pair.composite and pair.function is not None and pair.received is not None:
            pair.sent, pair.composite = self._local(entry, pair.function, pair.received), False
        op = "AccumulateGrad" if pair.function is None else pair.tensor.grad_fn.name()
        return Twin(op, value, pair.received, pair.sent, None, broken)

    def local(self, entry: Entry, received: float) -> tuple[float | None, ...] | None:
        """What torch sends for `received`; None where that is what it sends in its own pass."""
        pair = self._pairs[entry.id]
        if pair.function is None or (entry.id not in self._broken and _nearly(received, pair.received)):
            return None
        return self._local(entry, pair.function, received)

    def _local(self, entry: Entry, function: Callable[..., Any], received: float) -> tuple[float | None, ...]:
        torch = self._torch
        with torch._C.DisableTorchFunction(), torch.enable_grad():
            slots = [self._pairs[o.id].tensor.detach().requires_grad_() for o in entry.operands]
            out = function(*slots)
            grads = torch.autograd.grad(
                out, slots, torch.tensor(received, dtype=torch.float64), allow_unused=True
            )
        return tuple(None if g is None else g.item() for g in grads)


def _note(pair: _Pair, operands: int) -> Callable[[Any, Any], None]:
    edges = [i for i, (function, _) in enumerate(pair.tensor.grad_fn.next_functions) if function is not None]
    pair.composite = len(edges) != operands

    def hook(sent: Any, received: Any) -> None:
        pair.received = received[0].item()
        if not pair.composite:
            pair.sent = tuple(None if sent[i] is None else sent[i].item() for i in edges)

    return hook


def _nearly(a: float | None, b: float | None) -> bool:
    """The same up to rounding: then torch's own contributions serve for the comparison."""
    if a is None or b is None:
        return a is b
    return a == b or (a != a and b != b) or math.isclose(a, b, rel_tol=1e-9)


def agrees(a: float, b: Any) -> bool:
    """Equal up to `CLOSE`, NaN equal to NaN."""
    return isinstance(b, float) and (
        a == b or (a != a and b != b) or math.isclose(a, b, rel_tol=CLOSE, abs_tol=1e-12)
    )


def _numbers_held(entry: Entry, shape: Shape) -> dict[str, float]:
    """Plain numbers that a node holds, by name: what the operation that made it was given, else
    what lies in the closure of its step function and in the object itself."""
    if entry.made.constant is not None:
        return {"other": entry.made.constant}
    held = dict(closure(entry.obj, shape.step))
    own = getattr(entry.obj, "__dict__", None)
    if isinstance(own, dict):
        held |= {name: v for name, v in own.items() if name not in (shape.data, shape.grad)}
    return {name: float(v) for name, v in held.items() if type(v) in (int, float)}
