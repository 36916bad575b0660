"""Reads the gradients of one pass: a tensor that comes again as it was is not read again.

What a node sends is most often the very object that the next one receives. It is known again by a weak
reference and its version: torch keeps the Python object of a tensor that it still holds, and adds to
a gradient in place where it can. A view of what a node received has the same norm.

While a program runs, this is most of what watching costs. Between two of torch's own kernels each
instruction of ours is a cold one, so what every node comes through (`step`) is written out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch

from gradtui.probe.breakpoints import FINITE, Span
from gradtui.probe.few import FEW
from gradtui.probe.pytorch.later import Later
from gradtui.probe.pytorch.private import keys_of
from gradtui.probe.pytorch.summaries import DTYPES, norm_of, read
from gradtui.probe.weak import Reference
from gradtui.wire.messages import Summary

CROWD = 1_024
"""Tensors from which those that are gone are forgotten."""

_Known: TypeAlias = tuple[Callable[[], Any], int, Summary, bool, bool]
"""A tensor, its version, what was read of it; was it read in full, and is it quiet?"""


class Reader:
    """One for a pass. `loud` turns True with each tensor whose norm is not within the span."""

    def __init__(self, brief: bool, later: Later) -> None:
        """`brief`: as of `read`."""
        self._brief = brief
        self._later = later
        self.waits = True
        """Are the numbers of tensors on a device waited for?"""
        self._known: dict[int, _Known] = {}
        self._crowd = CROWD
        self.span: Span = FINITE
        """Norms of which nobody has to be told. Of what is not finite, or not known, none is."""
        self.loud = False

    def forget(self, tensor: Any) -> None:
        """It may have been written to without a new version (through `.data`): read it anew."""
        self._known.pop(id(tensor), None)

    def listen(self, span: Span, waits: bool) -> None:
        """A node is looked at: be quiet about norms in here."""
        if span is not self.span or waits is not self.waits:
            self.span, self.waits = span, waits
            self._known.clear()
        self.loud = span[0] > span[1]

    def __call__(self, tensor: Any, rich: bool) -> Summary | None:
        """As `summarize`; for whom works `untouched` already."""
        return self.like(tensor, (), rich)

    def like(self, tensor: Any, others: Sequence[Any], rich: bool) -> Summary | None:
        """The same, where it may lie in the memory of one of `others`, which have been read: a view of it."""
        if tensor is None:
            return None
        known = self._known.get(id(tensor))
        if known is not None and known[3] >= rich and known[0]() is tensor and known[1] == tensor._version:
            self.loud = self.loud or not known[4]
            return known[2]
        return self._anew(tensor, others, rich)

    def step(
        self, received: Sequence[Any], sent: Sequence[Any], targets: Sequence[int | None]
    ) -> tuple[tuple[Summary | None, ...], tuple[Summary | None, ...]]:
        """What a node received, and what it sent along each edge, in brief; None where one leads nowhere."""
        remembered = self._known
        got: list[Summary | None] = []
        for gradient in received:
            known = remembered.get(id(gradient))
            if known is not None and known[0]() is gradient and known[1] == gradient._version:
                got.append(known[2])
                self.loud = self.loud or not known[4]
            else:
                got.append(None if gradient is None else self._quickly(gradient, (), ()))
        told: list[Summary | None] = []
        for gradient, target in zip(sent, targets):
            known = remembered.get(id(gradient))
            if known is not None and known[0]() is gradient and known[1] == gradient._version:
                told.append(known[2])
                self.loud = self.loud or not known[4]
            elif gradient is None or target is None:
                told.append(None)
            else:
                told.append(self._quickly(gradient, received, got))
        return tuple(got), tuple(told)

    def _quickly(self, tensor: Any, others: Sequence[Any], seen: Sequence[Summary | None]) -> Summary:
        """`_anew`, of `others` that have just been `seen`; the norm alone."""
        if type(tensor) is not torch.Tensor:
            return self._anew(tensor, others, False)
        summary: Summary | None = None
        for other, summary in zip(others, seen):
            if summary is not None and _tells_of_views(summary) and _one_memory(tensor, other):
                summary = _reshaped(summary, tuple(tensor.shape))
                break
        else:
            norm = norm_of(tensor)
            if norm is None:
                return self._anew(tensor, (), False)
            summary = Summary(tuple(tensor.shape), DTYPES[tensor.dtype], "cpu", norm)
        assert summary is not None
        return self._remember(tensor, summary, False)

    def _anew(self, tensor: Any, others: Sequence[Any], rich: bool) -> Summary:
        if not self.waits and not rich:
            promise = self._later.promise(tensor)
            if promise is not None:
                return self._remember(tensor, promise, False, True)
        summary = (self._seen_of(tensor, others, rich) if others else None) or read(tensor, rich, self._brief)
        return self._remember(tensor, summary, rich)

    def _remember(self, tensor: Any, summary: Summary, rich: bool, promised: bool = False) -> Summary:
        norm = summary.norm
        quiet = promised or (norm is not None and self.span[0] <= norm <= self.span[1])
        self.loud = self.loud or not quiet
        if type(tensor) is torch.Tensor and not tensor.is_inference():  # which has no version
            self._known[id(tensor)] = (Reference(tensor), tensor._version, summary, rich, quiet)
            if len(self._known) > self._crowd:
                self._forget_dead()
        return summary

    def _seen_of(self, tensor: Any, others: Sequence[Any], rich: bool) -> Summary | None:
        """The summary of another that has the same entries."""
        for other in others:
            if other is not None and _one_memory(tensor, other):
                seen = self.like(other, (), rich)
                if seen is not None and _tells_of_views(seen):
                    return _reshaped(seen, tuple(tensor.shape))
        return None

    def _forget_dead(self) -> None:
        self._known = {key: known for key, known in self._known.items() if known[0]() is not None}
        self._crowd = max(CROWD, 2 * len(self._known))


def _tells_of_views(seen: Summary) -> bool:
    return seen.values is None and not seen.note


def _reshaped(seen: Summary, shape: tuple[int, ...]) -> Summary:
    """The summary of a view."""
    if shape == seen.shape:
        return seen
    return Summary(
        shape, seen.dtype, seen.device, seen.norm, seen.min, seen.max, seen.mean, seen.zeros, seen.nonfinite
    )


def _one_memory(a: torch.Tensor, b: Any) -> bool:
    """Do two tensors of more than a few entries have the same entries, in another order or shape?"""
    if type(a) is not torch.Tensor or type(b) is not torch.Tensor:
        return False
    try:
        if a.data_ptr() != b.data_ptr():
            return False
    except RuntimeError:  # sparse, or inside `torch.func`: it has no memory of its own
        return False
    count = a.numel()
    if count <= FEW or count != b.numel() or a.dtype != b.dtype or keys_of(a) != keys_of(b):
        return False
    return (a.is_contiguous() and b.is_contiguous()) or _steps(a) == _steps(b)


def _steps(tensor: torch.Tensor) -> list[tuple[int, int]]:
    return sorted((step, size) for step, size in zip(tensor.stride(), tensor.shape) if size > 1)
