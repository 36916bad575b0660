"""Reads the gradients of one pass: a tensor that comes again as it was is not read again.

What a node sends is most often the very object that the next one receives. It is known again by a weak
reference and its version: torch keeps the Python object of a tensor that it still holds, and adds to
a gradient in place where it can.
"""

from __future__ import annotations

import weakref
from typing import Any

import torch
from msgspec import structs

from gradtui.probe.numbers import FEW
from gradtui.probe.pytorch.summaries import read
from gradtui.probe.weak import Reference
from gradtui.wire.messages import Summary

CROWD = 1_024
"""Tensors from which those that are gone are forgotten."""


class Reader:
    """One for a pass."""

    def __init__(self, brief: bool) -> None:
        """`brief`: as of `read`."""
        self._brief = brief
        self._known: dict[int, tuple[weakref.ref[Any], int, bool, Summary]] = {}
        self._crowd = CROWD

    def __call__(self, tensor: Any, rich: bool) -> Summary | None:
        """As `summarize`; for whom works `untouched` already."""
        return self.like(tensor, (), rich)

    def like(self, tensor: Any, others: tuple[Any, ...], rich: bool) -> Summary | None:
        """The same, where it may lie in the memory of one of `others`, which have been read: a view of it."""
        if tensor is None:
            return None
        known = self._known.get(id(tensor))
        if known is not None:
            reference, version, read_in_full, summary = known
            same = read_in_full >= rich and reference() is tensor
            if same and version == tensor._version:
                return summary
        summary = self._seen_of(tensor, others, rich) or read(tensor, rich, self._brief)
        if type(tensor) is torch.Tensor and not tensor.is_inference():  # which has no version
            self._known[id(tensor)] = (Reference(tensor), tensor._version, rich, summary)
            if len(self._known) > self._crowd:
                self._forget_dead()
        return summary

    def _seen_of(self, tensor: Any, others: tuple[Any, ...], rich: bool) -> Summary | None:
        """The summary of another that has the same entries."""
        for other in others:
            if _one_memory(tensor, other):
                summary = self(other, rich)
                if summary is not None and summary.values is None and not summary.note:
                    shape = tuple(tensor.shape)
                    return summary if shape == summary.shape else structs.replace(summary, shape=shape)
        return None

    def _forget_dead(self) -> None:
        self._known = {key: known for key, known in self._known.items() if known[0]() is not None}
        self._crowd = max(CROWD, 2 * len(self._known))


def _one_memory(a: Any, b: Any) -> bool:
    """Do two tensors of more than a few entries have the same entries, in another order or shape?"""
    if type(a) is not torch.Tensor or type(b) is not torch.Tensor:
        return False
    try:
        if a.data_ptr() != b.data_ptr():
            return False
    except RuntimeError:  # sparse, or inside `torch.func`: it has no memory of its own
        return False
    if a.numel() <= FEW or a.numel() != b.numel() or a.dtype != b.dtype:
        return False
    if a.layout is not torch.strided or b.layout is not torch.strided:
        return False
    if a.is_conj() != b.is_conj() or a.is_neg() != b.is_neg():
        return False
    return (a.is_contiguous() and b.is_contiguous()) or _steps(a) == _steps(b)


def _steps(tensor: torch.Tensor) -> list[tuple[int, int]]:
    return sorted((step, size) for step, size in zip(tensor.stride(), tensor.shape) if size > 1)
