"""The axis of a plot: how values become heights, linear or logarithmic, and ticks that read well."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gradtui.trace.numbers import digits

DECADES = 2.0
"""A positive range of more decades than this is drawn on a log scale."""


@dataclass(frozen=True)
class Scale:
    """How values become heights."""

    low: float
    high: float
    """Of the drawn range; their logarithms where `log`."""
    log: bool
    ticks: tuple[float, ...]

    def part(self, value: float) -> float:
        """0 at the bottom of the range, 1 at its top."""
        at = math.log10(value) if self.log else value
        part = (at / 2 - self.low / 2) / (self.high / 2 - self.low / 2)  # halves: a difference may overflow
        return min(1.0, max(0.0, part))

    def between(self, one: float, other: float, part: float) -> float:
        """The value on the straight line between two, as the scale draws it."""
        if self.log:
            return math.pow(one, 1 - part) * math.pow(other, part)
        return one * (1 - part) + other * part


def scale_of(known: Sequence[tuple[float, float]], rows: int) -> Scale | None:
    """The scale for extents to be drawn in so many rows; None where there are none."""
    if not known:
        return None
    low, high = min(e[0] for e in known), max(e[1] for e in known)
    most = max(2, min(6, (rows + 1) // 2))
    if low > 0 and math.log10(high) - math.log10(low) > DECADES:
        ends = math.log10(low), math.log10(high)
        first, last = math.ceil(ends[0] - 1e-9), math.floor(ends[1] + 1e-9)
        every = max(1, math.ceil((last - first + 1) / most))
        ticks = [10.0**k for k in range(first, last + 1) if (last - k) % every == 0]
        return Scale(*ends, True, tuple(ticks))
    if high - low <= 1e-12 * max(abs(low), abs(high)) or high - low < 1e-300:
        half = max(abs(low) / 2, high - low) or 1.0
        return Scale(low - half, high + half, False, (low,))
    if not math.isfinite(high - low):
        return Scale(low, high, False, (low, high))
    if 0 < low < 0.2 * high:
        low = 0.0  # nearly there: the axis may as well begin where it tells most
    return Scale(low, high, False, _nice(low, high, most))


def _nice(low: float, high: float, most: int) -> tuple[float, ...]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten within a range: as many as there may be."""
    power = math.floor(math.log10((high - low) / most))
    for exponent in (power, power + 1, power + 2):
        for factor in (1.0, 2.0, 2.5, 5.0):
            step = factor * 10.0**exponent
            if step <= 0:
                continue
            first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
            if last - first < most:
                return tuple(min(high, max(low, k * step)) for k in range(first, last + 1))
    return low, high


def tick_text(value: float) -> str:
    """`0.25`, `1e-5`, `0`."""
    return "0" if abs(value) < 1e-300 else digits(value, 4)
