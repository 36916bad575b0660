"""A scalar engine's numbers as the stream carries them; torch is not needed here."""

from __future__ import annotations

import math
from typing import Any

from gradtui.wire.messages import Summary, Value

FEW = 64
"""Up to this many elements, all values cross."""
SOME = 4096
"""Up to this many elements, min, max, mean and zeros cross too."""


def number(x: Any) -> Value | None:
    """A float, or a summary where the engine works on arrays; None for what is no number."""
    if type(x) is float:
        return x
    if x is None or isinstance(x, (str, bytes)):
        return None
    shape = getattr(x, "shape", ())
    if shape != () or not hasattr(x, "__float__"):
        return _array(x) if hasattr(x, "tolist") else None
    try:
        return float(x)
    except (TypeError, ValueError, OverflowError):
        return None


def _array(x: Any) -> Summary | None:
    """Summary of an array-like by its `tolist()`."""
    try:
        flat = _flat(x.tolist())
    except (TypeError, ValueError):
        return None
    return summary_of_floats(flat, tuple(int(n) for n in x.shape), str(x.dtype), "cpu")


def _flat(x: Any) -> list[float]:
    out: list[float] = []
    stack = [x]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack.extend(reversed(item))
        else:
            out.append(float(item))
    return out


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
