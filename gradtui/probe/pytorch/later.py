"""Gradients on a device are not waited for: what is told of them is worked out there, and read all at once.

To read one number of a tensor on a device the program has to wait until the device has come there. While a
program is merely recorded, what a step is told of such a tensor is therefore a promise, in the place of its
summary, and its numbers stay on the device; they are brought over in one go when somebody has to know. Until
then its steps are not told.
"""

from __future__ import annotations

from threading import Lock
from typing import Any, NamedTuple

import torch
from torch.utils._python_dispatch import _disable_current_modes

from gradtui.probe.few import FEW, summary_of_floats
from gradtui.probe.pytorch.private import dispatch_modes, readable, untouched
from gradtui.wire.messages import Summary, Value

MOST = 4_096
"""So many are left on devices; then they are brought over."""
PROMISE = "not read yet"
"""The note of a promise, which nobody is ever told."""


class _Promised(NamedTuple):
    """What stands on a device for a promise."""

    promise: Summary
    numbers: torch.Tensor
    """In float64: the entries of a small tensor; the norm of a larger one, and how many are not finite."""


class Later:
    """One for a pass; asked by several threads."""

    def __init__(self) -> None:
        self._waiting: list[_Promised] = []
        self._kept: dict[int, tuple[Summary, Summary]] = {}
        """Promises, by `id()`, and what became of them."""
        self._lock = Lock()
        self.met_bad = False
        """Was one of them not finite?"""

    @property
    def waiting(self) -> int:
        """How many promises are open."""
        return len(self._waiting)

    @property
    def settled(self) -> bool:
        """Were there any that are known now?"""
        return bool(self._kept)

    def promise(self, tensor: Any) -> Summary | None:
        """In place of the summary of a tensor on a device; None for one that is read where it is."""
        if type(tensor) is not torch.Tensor or not is_far(tensor):
            return None
        if dispatch_modes() or readable(tensor) or not tensor.is_floating_point() or tensor.itemsize < 2:
            return None
        promise = Summary(tuple(tensor.shape), str(tensor.dtype)[6:], str(tensor.device), note=PROMISE)
        numbers = _numbers(tensor.detach())
        with self._lock:
            self._waiting.append(_Promised(promise, numbers))
        return promise

    def settle(self) -> None:
        """Bring over what is waiting."""
        with self._lock:
            waiting = list(self._waiting)
        by_device: dict[torch.device, list[_Promised]] = {}
        for one in waiting:
            by_device.setdefault(one.numbers.device, []).append(one)
        for device, ones in by_device.items():
            self._fetch(device, ones)
        with self._lock:  # not before: a signal's handler may have ended the waiting
            del self._waiting[: len(waiting)]

    def value(self, value: Value | None) -> Value | None:
        """What became of a promise; anything else as it is."""
        if not is_promise(value):
            return value
        kept = self._kept.get(id(value))
        return value if kept is None else kept[1]

    def _fetch(self, device: torch.device, ones: list[_Promised]) -> None:
        try:
            with untouched(), torch.no_grad(), _disable_current_modes():
                if device.type == "cuda":
                    torch.cuda.synchronize(device)  # they were computed in the streams of their nodes
                numbers: list[float] = torch.cat([one.numbers for one in ones]).tolist()
        except RuntimeError as error:  # of the program's own work on the device, which comes to light here
            why = str(error).splitlines()[0][:80]
            for promise, _ in ones:
                shape, dtype = promise.shape, promise.dtype
                self._kept[id(promise)] = promise, Summary(shape, dtype, promise.device, note=why)
            return
        at = 0
        for promise, its in ones:
            summary = _summary(promise, numbers[at : at + len(its)])
            self._kept[id(promise)] = promise, summary
            self.met_bad = self.met_bad or summary.nonfinite > 0
            at += len(its)


def is_far(tensor: torch.Tensor) -> bool:
    """Does reading a number of it have the program wait for a device?"""
    return tensor.is_cuda


def is_promise(value: Value | None) -> bool:
    """Is a value not known yet?"""
    return isinstance(value, Summary) and value.note == PROMISE


def _numbers(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.numel() <= FEW:
        return tensor.reshape(-1).to(torch.float64, copy=True)
    norm = torch.linalg.vector_norm(tensor, dtype=torch.float64)
    nonfinite = torch.count_nonzero(tensor - tensor)  # zero where finite, else NaN
    return torch.stack([norm, nonfinite.to(torch.float64)])


def _summary(promise: Summary, numbers: list[float]) -> Summary:
    shape, dtype, device = promise.shape, promise.dtype, promise.device
    count = 1
    for size in shape:
        count *= size
    if count <= FEW:
        return summary_of_floats(numbers, shape, dtype, device)
    norm, nonfinite = numbers
    return Summary(shape, dtype, device, norm=norm, nonfinite=int(nonfinite))
