"""The summary of a few numbers, and how many are a few."""

from __future__ import annotations

import math

from gradtui.wire.messages import Summary

FEW = 64
"""Up to this many elements, all values cross."""
SOME = 4096
"""Up to this many elements, min, max, mean and zeros cross too."""


def summary_of_floats(
    flat: list[float], shape: tuple[int, ...], dtype: str, device: str, keep: int = FEW
) -> Summary:
    """The full summary of a few numbers, computed here so that it costs no tensor operations.

    All values are kept up to `keep` of them.
    """
    count = len(flat)
    if not count:
        return Summary(shape, dtype, device, norm=0.0, zeros=0, values=())
    nonfinite = sum(1 for v in flat if not math.isfinite(v))
    if nonfinite:
        nan = any(v != v for v in flat)
        low = high = math.nan if nan else 0.0
        if not nan:
            low, high = min(flat), max(flat)
        norm = math.nan if nan else math.inf
        mean = sum(flat) / count
    else:
        low, high, norm, mean = min(flat), max(flat), math.hypot(*flat), math.fsum(flat) / count
    return Summary(
        shape,
        dtype,
        device,
        norm=norm,
        min=low,
        max=high,
        mean=mean,
        zeros=flat.count(0.0),
        nonfinite=nonfinite,
        values=tuple(flat) if count <= keep else None,
    )
