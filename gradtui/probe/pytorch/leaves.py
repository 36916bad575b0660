"""How to look at a leaf of torch's between passes: has its value changed, does its `.grad` hold anything?

The value is told by the summary that a pass begins with and a few entries, which costs next to nothing.
It is told exactly, by a sum of its bits that depends on their places, as soon as a leaf has entered a
pass with a gradient: programs that zero their gradients pay nothing for it.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Mapping
from typing import Any

import torch

from gradtui.probe.numbers import same
from gradtui.probe.pytorch.private import readable, untouched
from gradtui.probe.weak import Reference
from gradtui.wire.messages import Summary

_INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
SAMPLE = 64
"""Entries of a large leaf that are looked at, evenly spread."""
PIECE = 1 << 14
"""Entries whose bits are added up at once: what a processor's cache holds."""
_FACTOR = 6364136223846793005
"""Its powers tell pieces apart (the multiplier of Knuth's MMIX generator)."""
FAR_PIECE = 1 << 22
"""On a device, where each piece is a call."""
_OURS = 3
"""References to a tensor that only one view knows: the view's, the asking function's, the question's."""


class Mark:
    """A value as a pass found it."""

    __slots__ = ("bits", "sample", "summary")

    def __init__(
        self,
        tensor: torch.Tensor,
        summary: Summary | None,
        exact: bool,
        entries: list[float] | None = None,
    ) -> None:
        """`entries`: a sample that was taken just now."""
        self.summary = summary
        self.bits = _bits(tensor) if exact else None
        small = summary is None or summary.values is not None
        self.sample = None if exact or small else entries if entries is not None else sample(tensor)


class TorchLeaf:
    """One leaf as a pass begins: `summary` of its value; `exact`: does it hold a gradient already?"""

    def __init__(
        self,
        variable: torch.Tensor,
        summary: Summary | None,
        exact: bool,
        entries: list[float] | None = None,
    ) -> None:
        self._variable = variable
        self._mark = Mark(variable, summary, exact, entries)

    def mark(self) -> Mark:
        """As the pass found it, whatever hooks of the program's have done since."""
        return self._mark

    def moved(self, summary: Summary | None, exact: bool) -> None:
        """The person has given it another value: that is the one to remember."""
        self._mark = Mark(self._variable, summary, exact)

    def changed(self, mark: Mark) -> bool:
        """By the bits where they are known, else by what the summaries of two passes can tell."""
        if mark.bits is not None:
            return _bits(self._variable) != mark.bits
        if mark.sample is not None and not same_entries(mark.sample, sample(self._variable)):
            return True
        return mark.summary is not None and _differ(mark.summary, self._mark.summary)

    def left(self) -> Callable[[], Any] | None:
        """The gradient's own object: another one in its place is a reset."""
        grad = self._variable.grad
        return None if grad is None else Reference(grad)

    def holds(self, left: Callable[[], Any] | None) -> bool:
        """Is it the same object, and not all zeros? What cannot be read counts as held."""
        grad = self._variable.grad
        if grad is None or left is None or left() is not grad:
            return False
        with untouched():
            unread = readable(grad)
            if unread == "sparse" and grad.layout is torch.sparse_coo:
                return bool(grad._values().any())
            return bool(unread) or bool(grad.detach().any())

    def dropped(self) -> bool:
        """Do we alone hold the Python object?"""
        variable = self._variable
        return sys.getrefcount(variable) <= _OURS

    def reference(self) -> Callable[[], Any]:
        """A weak reference to the tensor."""
        return Reference(self._variable)

    def of_optimizers(self, views: Mapping[int, TorchLeaf]) -> set[int]:
        """Those that an optimizer holds."""
        held = held_by_optimizers()
        return {node for node, view in views.items() if id(view._variable) in held}


def held_by_optimizers() -> set[int]:
    """All parameters of optimizers, by `id()`.

    Looked for among all objects that the collector knows: nobody tells of an optimizer before its first step.
    """
    return {
        id(parameter)
        for thing in gc.get_objects()
        if issubclass(type(thing), torch.optim.Optimizer)
        for group in vars(thing).get("param_groups", ())
        for parameter in group["params"]
    }


def parameters_of(optimizer: Any) -> list[Any]:
    """What an optimizer steps, that has just done so."""
    return [p for group in optimizer.param_groups for p in group["params"]]


def _bits(tensor: torch.Tensor) -> int | None:
    """A sum of all entries' bits, each times its place: changes with any entry. None where there is none.

    Piece by piece: wide integers of the whole would take several times the memory of the leaf.
    """
    with untouched():
        if readable(tensor):
            return None
        flat = tensor.detach()
        flat = torch.view_as_real(flat.resolve_conj()) if flat.is_complex() else flat
        kind = _INTEGERS.get(flat.element_size())
        if kind is None:
            return None
        whole = flat.resolve_neg().contiguous().view(kind).reshape(-1)
        size = PIECE if whole.is_cpu else FAR_PIECE
        places = _places(min(whole.numel(), size), whole.device)
        wide = torch.empty_like(places)  # one for all: many short-lived ones would tear the heap apart
        pieces = torch.split(whole, size)
        sums = torch.empty(len(pieces), dtype=torch.int64, device=whole.device)
        for k, piece in enumerate(pieces):
            count = len(piece)
            torch.sum(wide[:count].copy_(piece).mul_(places[:count]), 0, out=sums[k])
        of_pieces: list[int] = sums.tolist()
        return sum(each * pow(_FACTOR, k, 1 << 64) for k, each in enumerate(of_pieces)) % (1 << 64)


def _places(count: int, device: torch.device) -> torch.Tensor:
    return torch.arange(1, 2 * count + 1, 2, device=device)


def sample(tensor: torch.Tensor) -> list[float] | None:
    """Some entries, evenly spread; None where they cannot be read cheaply."""
    with untouched():
        if readable(tensor) or tensor.is_complex() or not tensor.is_contiguous():
            return None
        step = max(1, tensor.numel() // SAMPLE)
        count = -(-tensor.numel() // step)
        flat = tensor.detach().as_strided((count,), (step,), tensor.storage_offset())
        try:
            entries: list[float] = flat.tolist()
        except RuntimeError:  # a program may forbid to wait for a device
            return None
        return entries


class AsItWas:
    """A tensor as it is when this is made. Does not keep it alive."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.reference = Reference(tensor)
        self._version = tensor._version
        self._entries = sample(tensor)

    def holds(self) -> bool:
        """Has nobody changed it since, as far as its version and a sample tell? So it is where it is gone."""
        tensor: Any = self.reference()
        if tensor is None:
            return True
        same = self._entries is None or same_entries(self._entries, sample(tensor))
        return bool(tensor._version == self._version and same)


def same_entries(a: list[float] | tuple[float, ...], b: list[float] | tuple[float, ...] | None) -> bool:
    """Equal entry by entry; NaN equals NaN."""
    return a == b or (b is not None and len(a) == len(b) and all(map(same, a, b)))


def _differ(a: Summary, b: Summary | None) -> bool:
    if b is None:
        return False
    if a.values is not None and b.values is not None:
        return not same_entries(a.values, b.values)
    pairs = [(a.min, b.min), (a.max, b.max)]
    if (a.values is None) == (b.values is None):  # else one was added up from its values: it rounds otherwise
        pairs += [(a.norm, b.norm), (a.mean, b.mean)]
    return any(not same(x, y) for x, y in pairs if x is not None and y is not None)
