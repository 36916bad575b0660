"""The size of a gradient at a glance: one cell on a logarithmic scale, the same for every pass and program.

A glyph always, a colour beside it: blue where a gradient vanishes, orange where it explodes, red where
it is no number.
"""

from __future__ import annotations

import math

from gradtui.views.amounts import brief
from gradtui.views.rows import Role, Span, right

BARS = "▁▂▃▄▅▆▇█"
LIMITS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1.0, 1e2)
"""The norm from which each bar but the lowest stands."""
VANISHING, EXPLODING = 1e-6, 1e2
"""Below the one and from the other on, the bar is coloured."""
ZERO, NAN, INF, UNKNOWN = "○", "✗", "∞", " "


def glyph(norm: float | None) -> str:
    """One cell: a bar, or what is no size; a space where nothing is known."""
    if norm is None:
        return UNKNOWN
    if not math.isfinite(norm):
        return NAN if math.isnan(norm) else INF
    if norm == 0:
        return ZERO
    return BARS[sum(norm >= limit for limit in LIMITS)]


def role(norm: float | None) -> Role:
    """The colour beside it."""
    if norm is None:
        return ""
    if not math.isfinite(norm):
        return "bad"
    return "name" if norm < VANISHING else "warn" if norm >= EXPLODING else "good"


def bar(norm: float | None) -> Span:
    """The glyph in its colour."""
    return Span(glyph(norm), role(norm))


def fitting(norm: float, width: int) -> str:
    """A norm in at most three digits, fewer where `width` cells do not take them."""
    texts = (brief(norm, places) for places in (3, 2, 1))
    return next((text for text in texts if len(text) <= width), brief(norm, 1))


def sized(norm: float | None, width: int) -> tuple[Span, Span]:
    """Glyph and number in `width` cells together."""
    text = "" if norm is None else fitting(norm, width - 3)
    alarming = norm is not None and not math.isfinite(norm)
    number: Role = "bad" if alarming else "number"
    return bar(norm), Span(right(text, width - 1), number)
