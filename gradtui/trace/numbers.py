"""Numbers as people read them."""

from __future__ import annotations

from gradtui.wire.messages import Summary, Value
from gradtui.wire.values import digits, is_finite, magnitude, number_of

__all__ = ["digits", "is_finite", "magnitude", "number_of", "shape_of", "short"]


def short(value: Value | None, places: int = 6) -> str:
    """A gradient in a few characters: the number, the entries of a small tensor, else shape and norm."""
    if value is None:
        return "None"
    if not isinstance(value, Summary):
        return digits(value, places)
    if value.values is not None and len(value.values) == 1 and value.shape in ((), (1,)):
        return digits(value.values[0], places)
    if value.values is not None and len(value.values) <= 4 and len(value.shape) == 1:
        return "[" + ", ".join(digits(v, 4) for v in value.values) + "]"
    if not value.dtype:  # nothing at all is known of it
        return value.note
    text = shape_of(value)
    if value.norm is not None:
        text += f" ‖{digits(value.norm, 4)}‖"
    if value.nonfinite:
        text += f" {value.nonfinite} not finite"
    return text + (f" ({value.note})" if value.note else "")


def shape_of(value: Summary) -> str:
    """`3x2`, `scalar`."""
    return "x".join(map(str, value.shape)) if value.shape else "scalar"
