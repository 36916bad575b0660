"""Which torch function a scalar engine's node is: told by its values, never guessed.

A name proposes candidates (`operations.py`). Those whose forward value agrees with the engine's are
left; where they differ in what they send, the constant beside the one operand and the engine's
function that made the node decide, else nothing does and the node has no twin.

A forward value agrees when torch's function, given the operands that the engine really had, gives it
up to rounding. An approximation of the function does not: its slope is off by far more than its value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType
from typing import Any, NamedTuple, TypeAlias

from gradtui.probe.scalar.graph import Entry, Made, closure
from gradtui.probe.scalar.operations import Function, ambiguous, candidates, needs_constant, side_of
from gradtui.userapi import Shape

CLOSE = 1e-6
"""Relative difference up to which a twin's value agrees: the rounding of all nodes below it."""
EXACT = 1e-9
"""Relative difference up to which a function of the engine's own operands agrees."""
ULPS = 16
"""Roundings of the engine's numbers that a formula may add up to, of its operands or of numbers about 1."""
ALIKE = 1e-7
"""Relative difference of two derivatives up to which it does not matter which is meant."""

SEVERAL = "several operations give this value"
Functions: TypeAlias = Callable[[Made], Iterable[str]]
"""The names of the engine's functions that made an object, innermost first."""


class Choice(NamedTuple):
    """A function for a node: `tensor` is it, of the twin's tensors of `operands`, with this value."""

    function: Function
    tensor: Any
    value: float
    operands: list[Entry]


class Chooser:
    """Chooses for the nodes of one twin. `tensor_of`: the twin's tensor of a node below."""

    def __init__(
        self, torch: Any, shape: Shape, tensor_of: Callable[[Entry], Any], functions: Functions
    ) -> None:
        self._torch = torch
        self._shape = shape
        self._tensor_of = tensor_of
        self._functions = functions

    def likeliest(self, entry: Entry) -> Function | None:
        """The function of an op that may mean only one; None where it has none or its values decide."""
        if ambiguous(entry.op, len(entry.operands), entry.ordered):
            return None
        return next(candidates(self._torch, entry.op, len(entry.operands), dict), None)

    def choose(self, entry: Entry) -> Choice | str:
        """The function of a node, or why it has none."""
        named, agreeing = False, []
        for function, certain in self._candidates(entry):
            named = True
            found = [self._tried(entry, function, order) for order in self._orders(entry)]
            agreeing += [choice for choice in found if choice is not None]
            if certain and agreeing:
                agreeing = agreeing[:1]
                break
        if not agreeing:
            return self._why_none(entry, named)
        if len(agreeing) > 1 and not self._alike(agreeing):
            return SEVERAL
        return agreeing[0]

    def agrees(self, entry: Entry, function: Function, value: float, operands: list[Entry]) -> bool:
        """Is `value`, which the twin has for the node, the engine's, by the operands that the engine had?"""
        if not isinstance(entry.value, float) or not agrees(value, entry.value):
            return False
        ulps = ULPS * entry.precision
        near = max(EXACT, ulps)
        if value == entry.value or value != value or math.isclose(value, entry.value, rel_tol=near):
            return True
        torch, real = self._torch, [operand.value for operand in operands]
        with torch.no_grad():
            again = function(*[torch.tensor(number, dtype=torch.float64) for number in real]).item()
        size = max(1.0, *[abs(number) for number in real if isinstance(number, float)])
        return math.isclose(again, entry.value, rel_tol=near, abs_tol=ulps * size)

    # ------------------------------------------------------------ candidates

    def _candidates(self, entry: Entry) -> Iterator[tuple[Function, bool]]:
        """Functions to try, and whether one that agrees is certainly meant."""
        count, constant = len(entry.operands), entry.made.constant
        if not needs_constant(entry.op, count):
            for function in candidates(self._torch, entry.op, count, dict):
                yield function, False
            return
        makers = [*self._functions(entry.made)] or _defined_in(entry.obj, self._shape.step)
        side = side_of(makers, entry.op)
        held = {"other": constant} if constant is not None and (side or not makers) else self._held(entry)
        certain = side == "neg" or (side is not None and constant is not None)
        for function in candidates(self._torch, entry.op, count, lambda: held, side):
            yield function, certain

    def _held(self, entry: Entry) -> dict[str, float]:
        """Plain numbers that a node holds, by name: in the closure of its step function and in itself."""
        shape = self._shape
        held = dict(closure(entry.obj, shape.step))
        own = getattr(entry.obj, "__dict__", None)
        if isinstance(own, dict):
            held |= {name: v for name, v in own.items() if name not in (shape.data, shape.grad)}
        return {name: float(v) for name, v in held.items() if type(v) in (int, float)}

    def _orders(self, entry: Entry) -> list[list[Entry]]:
        """The orders that the operands may have."""
        operands = list(entry.operands)
        swapped = not entry.ordered and len(operands) == 2
        return [operands, operands[::-1]] if swapped else [operands]

    def _tried(self, entry: Entry, function: Function, operands: list[Entry]) -> Choice | None:
        try:
            tensor = function(*[self._tensor_of(o) for o in operands])
            value = tensor.item()
            agreed = self.agrees(entry, function, value, operands)
        except (TypeError, RuntimeError, ValueError):
            return None
        return Choice(function, tensor, value, operands) if agreed else None

    # ------------------------------------------------------------- deciding

    def _alike(self, choices: list[Choice]) -> bool:
        """Do all send the same?"""
        first, *others = [self._slopes(choice) for choice in choices]
        return all(
            slopes.keys() == first.keys() and all(_same_slope(slopes[i], first[i]) for i in first)
            for slopes in others
        )

    def _slopes(self, choice: Choice) -> dict[int, float]:
        """The derivatives by each operand, by its id."""
        torch = self._torch
        slots = [self._tensor_of(o).detach().requires_grad_() for o in choice.operands]
        grads = torch.autograd.grad(choice.function(*slots), slots, allow_unused=True)
        slopes: dict[int, float] = {}
        for operand, grad in zip(choice.operands, grads):
            slopes[operand.id] = slopes.get(operand.id, 0.0) + (0.0 if grad is None else grad.item())
        return slopes

    def _why_none(self, entry: Entry, named: bool) -> str:
        if named:
            return f"torch's '{entry.op}' gives another forward value than {entry.value!r}"
        if needs_constant(entry.op, len(entry.operands)):
            return f"the other operand of '{entry.op}' is not known"
        return f"no twin for op '{entry.op}'"


def agrees(a: float, b: float) -> bool:
    """Equal up to `CLOSE`, NaN equal to NaN."""
    return a == b or (a != a and b != b) or math.isclose(a, b, rel_tol=CLOSE, abs_tol=1e-12)


def _same_slope(a: float, b: float) -> bool:
    return a == b or (a != a and b != b) or math.isclose(a, b, rel_tol=ALIKE)


def _defined_in(obj: Any, step: str | None) -> list[str]:
    """The function that a node's step function was defined in: it made the node, as far as can be known."""
    function = getattr(obj, step, None) if step else None
    if not isinstance(function, FunctionType):
        return []
    *outer, own = function.__qualname__.split(".<locals>.")
    return [outer[-1].rpartition(".")[2]] if outer and "." not in own else []
