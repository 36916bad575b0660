"""The values of leaves as passes begin: a large one is read again only where it may have changed.

What tells that: the tensor's version and memory, some entries, and any optimizer's step in between
(fused ones leave the version alone).
"""

from __future__ import annotations

from typing import Any

import torch

from gradtui.probe.few import FEW
from gradtui.probe.pytorch.leaves import same_entries, sample
from gradtui.probe.pytorch.summaries import read
from gradtui.probe.weak import Remembered
from gradtui.wire.messages import Summary


class LeafValues:
    """Summaries of leaves, by `id()` of the tensor. Keeps none alive."""

    def __init__(self) -> None:
        self._known = Remembered[tuple[int, int, list[float], bool, Summary]]()

    def entries(self, leaf: Any) -> list[float] | None:
        """Some entries of a large leaf, as they were last looked at; None where none were."""
        known = self._known.get(leaf)
        return known[2] if known is not None else None

    def forget(self) -> None:
        """An optimizer has stepped."""
        self._known.clear()

    def __call__(self, leaf: Any, rich: bool) -> Summary:
        """As `read`."""
        if type(leaf) not in (torch.Tensor, torch.nn.Parameter) or leaf.numel() <= FEW:
            return read(leaf, rich)
        entries = sample(leaf)
        known = self._known.get(leaf)
        if known is not None and entries is not None:
            version, memory, before, in_full, summary = known
            if (
                in_full >= rich
                and version == leaf._version
                and memory == leaf.data_ptr()
                and same_entries(before, entries)
            ):
                return summary
        summary = read(leaf, rich)
        if entries is not None and not leaf.is_inference():
            self._known.set(leaf, (leaf._version, leaf.data_ptr(), entries, rich, summary))
        return summary
