"""What can be asked of a gradient or forward value as it crosses the wire, and how a number is written."""

from __future__ import annotations

import math
from typing import Literal

from gradtui.wire.messages import Summary, Value


def digits(x: float, places: int = 6) -> str:
    """A float in at most `places` significant digits: `-1.5`, `0.707107`, `nan`.

    Small and large ones are `2.5e-8`, their exponents without a plus or zeros that say nothing.
    """
    mantissa, e, exponent = f"{x:.{places}g}".partition("e") if x else ("0", "", "")
    return f"{mantissa}e{int(exponent)}" if e else mantissa


def number_of(value: Value | None) -> float | None:
    """The one number in a value, None where it holds another count."""
    if isinstance(value, Summary):
        values = value.values
        return values[0] if values is not None and len(values) == 1 else None
    return value


def is_finite(value: Value | None) -> bool:
    """No NaN, no Inf; what is not known counts as finite."""
    if value is None:
        return True
    if isinstance(value, Summary):
        return not value.nonfinite
    return math.isfinite(value)


def magnitude(value: Value | None) -> float | None:
    """Norm of a tensor, absolute value of a number."""
    if isinstance(value, Summary):
        return value.norm
    return None if value is None else abs(value)


def statistic(value: Value, what: Literal["norm", "min", "max", "mean"]) -> float | None:
    """One statistic of a gradient; None where it was not read."""
    if isinstance(value, Summary):
        found: float | None = getattr(value, what)
        return found
    return abs(value) if what == "norm" else value
