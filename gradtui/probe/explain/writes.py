"""Who changed a tensor in place, by its storage and the version that the change left behind.

Remembers a bounded number of changes and keeps no tensor alive. What changes a tensor beside torch's
functions (through numpy, in C++) is not seen.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch

from gradtui.probe.explain.recomputed import Recomputed
from gradtui.probe.pytorch.private import is_tensor
from gradtui.probe.weak import Reference

KEPT = 16_384
"""Changes remembered; of older ones half are forgotten at once."""


@dataclass(frozen=True, slots=True)
class Write:
    """A change in place."""

    what: str
    """The function: `add_`."""
    stack: int
    tensor: weakref.ref[Any]
    """What was written to: the tensor or a view of it."""
    part: tuple[int, int]
    """Of the storage: from which entry on, and how many."""


class Writes:
    """The last changes in place."""

    def __init__(self, recomputed: Recomputed | None = None) -> None:
        self.recomputed = recomputed
        """What the running pass computes again, where somebody follows it."""
        self._writes: dict[tuple[int, int], Write] = {}

    def changed(self, tensor: torch.Tensor, what: str, stack: int) -> None:
        """A function has written to this tensor."""
        key = _key(tensor)
        if key is None:
            return
        self._writes.pop(key, None)
        self._writes[key] = Write(what, stack, Reference(tensor), _part(tensor))
        if len(self._writes) > KEPT:
            self._writes = dict(islice(self._writes.items(), KEPT // 2, None))

    def since(self, tensor: torch.Tensor, version: int) -> list[Write]:
        """What changed the tensor after it had that version, first change first."""
        storage = (_key(tensor) or (0, 0))[0]
        versions = range(version + 1, tensor._version + 1)
        if len(versions) > len(self._writes):
            versions = range(tensor._version - len(self._writes), tensor._version + 1)
        return [w for v in versions if (w := self._writes.get((storage, v))) is not None]

    def last(self, tensor: torch.Tensor) -> Write | None:
        """The last change of a tensor, also one through `.data`, which leaves its version as it is."""
        key = _key(tensor)
        if key is None:
            return None
        known, part = self._writes.get(key), _part(tensor)
        if known is not None:
            return known
        written = ((storage, write) for (storage, _), write in reversed(self._writes.items()))
        return next((write for storage, write in written if storage == key[0] and write.part == part), None)


def _part(tensor: torch.Tensor) -> tuple[int, int]:
    return int(tensor.storage_offset()), tensor.numel()


def _key(tensor: torch.Tensor) -> tuple[int, int] | None:
    """None for a tensor without a version (made in inference mode) or without a storage (sparse)."""
    if tensor.is_inference():
        return None
    try:
        return tensor.untyped_storage()._cdata, tensor._version
    except (RuntimeError, NotImplementedError):
        return None


def written(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[torch.Tensor]:
    """The tensors that an in-place function of these arguments writes to."""
    out = kwargs.get("out")
    first = out if out is not None else (args[0] if args else kwargs.get("input"))
    for tensor in first if isinstance(first, (list, tuple)) else (first,):
        if is_tensor(tensor):
            yield tensor
