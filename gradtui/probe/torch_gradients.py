"""How to look at a leaf of torch's between passes: has its value changed, does its `.grad` hold anything?

The value is told by the summary that a pass begins with, which costs nothing more. It is told exactly,
by the sum of its bits, as soon as a leaf has entered a pass with a gradient: programs that zero their
gradients pay nothing for it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch

from gradtui.probe.torch_private import readable, untouched
from gradtui.wire.messages import Summary

_INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}

Mark = tuple["Summary | None", "int | None"]
"""The summary of a value and, where it was wanted exactly, the sum of its bits."""


class TorchLeaf:
    """One leaf as a pass begins: `summary` of its value; `exact`: does it hold a gradient already?"""

    def __init__(self, variable: torch.Tensor, summary: Summary | None, exact: bool) -> None:
        self._variable = variable
        self._summary = summary
        self._exact = exact

    def mark(self) -> Mark:
        """As the pass found it; a pass changes no value."""
        return self._summary, _bits(self._variable) if self._exact else None

    def changed(self, mark: Mark) -> bool:
        """By the bits where they are known, else by what the summaries of two passes can tell."""
        summary, bits = mark
        if bits is not None:
            return _bits(self._variable) != bits
        return summary is not None and _differ(summary, self._summary)

    def holds(self) -> bool:
        """Not None and not all zeros; what cannot be read counts as held."""
        grad = self._variable.grad
        if grad is None:
            return False
        with untouched():
            return bool(readable(grad)) or bool(grad.detach().any())

    def reference(self) -> Callable[[], Any]:
        """A weak reference to the tensor."""
        return weakref.ref(self._variable)


def _bits(tensor: torch.Tensor) -> int | None:
    """The sum of all entries' bits, read as integers: changes with any entry. None where there is none."""
    with untouched():
        if readable(tensor):
            return None
        flat = tensor.detach()
        flat = torch.view_as_real(flat) if flat.is_complex() else flat
        kind = _INTEGERS.get(flat.element_size())
        return None if kind is None else int(flat.view(kind).sum(dtype=torch.int64))


def _differ(a: Summary, b: Summary | None) -> bool:
    if b is None:
        return False
    if a.values is not None and b.values is not None:
        return a.values != b.values
    pairs = ((a.norm, b.norm), (a.min, b.min), (a.max, b.max), (a.mean, b.mean))
    return any(x != y for x, y in pairs if x is not None and y is not None)
