"""What a list of numbers is like: the figures that are computed of tensors too, without torch."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gradtui.wire.messages import Bins, Figures, Grid

BINS = 24
"""Bars of a histogram at most; of few entries there are fewer."""
SIDE = 64
"""Rows and columns of a grid at most."""
MOST = SIDE * SIDE
"""Entries that cross the wire at most."""


def figures_of(values: Sequence[float]) -> Figures:
    """NaN, Inf and zeros counted; the rest of the finite ones."""
    finite = [v for v in values if math.isfinite(v)]
    nan = sum(1 for v in values if v != v)
    counted = Figures(len(values), nan, len(values) - len(finite) - nan, finite.count(0.0))
    if not finite:
        return counted
    mean = _mean(finite)
    std = math.hypot(*[v - mean for v in finite]) / math.sqrt(len(finite))
    return Figures(
        counted.count, nan, counted.infinite, counted.zeros,
        math.hypot(*finite), min(finite), max(finite), mean, std,
    )  # fmt: skip


def _mean(finite: Sequence[float]) -> float:
    try:
        return math.fsum(finite) / len(finite)
    except OverflowError:
        return math.fsum(v / len(finite) for v in finite)


def edges_between(low: float, high: float, count: int) -> tuple[float, ...]:
    """The edges of a histogram of so many entries; a single bar where all are the same."""
    bars = min(BINS, max(4, math.ceil(2 * count ** (1 / 3))))
    width = high / bars - low / bars
    if not width or not math.isfinite(high - low):
        return (low, high)
    return (*[low + i * width for i in range(bars)], high)


def bins_of(values: Sequence[float]) -> Bins | None:
    """Finite entries by value, each bar without its upper edge but for the last; None without any."""
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return None
    low, high = min(finite), max(finite)
    edges = edges_between(low, high, len(finite))
    counts = [0] * (len(edges) - 1)
    for v in finite:
        place = int((v - low) / (high - low) * len(counts)) if len(counts) > 1 else 0
        counts[min(place, len(counts) - 1)] += 1
    return Bins(edges, tuple(counts))


def decades_of(values: Sequence[float]) -> Bins | None:
    """Finite entries that are not zero, by the power of ten; None without any."""
    counts: dict[int, int] = {}
    for v in values:
        if v and math.isfinite(v):
            power = math.floor(math.log10(abs(v)))
            counts[power] = counts.get(power, 0) + 1
    return decades(counts)


def decades(counts: dict[int, int]) -> Bins | None:
    """Bins from counts by the power of ten."""
    if not counts:
        return None
    powers = range(min(counts), max(counts) + 1)
    edges = tuple([math.pow(10.0, p) if p < 309 else math.inf for p in (*powers, powers.stop)])
    return Bins(edges, tuple([counts.get(p, 0) for p in powers]))


def grid_of(values: Sequence[float], shape: Sequence[int]) -> Grid | None:
    """All entries, where they are few: the last dimension as columns; None for none or too many."""
    if not values or len(values) > MOST:
        return None
    columns = shape[-1] if shape else 1
    return Grid(len(values) // columns, columns, tuple(values))
