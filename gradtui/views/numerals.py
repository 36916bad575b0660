"""How a number is written, in every pane.

Six significant digits at most: plain from 0.0001 up to 999999, else as `2.5e-8`, its exponent without a
sign or zeros that say nothing. Where there is no room for that, fewer digits, in the shorter of the two ways.
"""

from __future__ import annotations

import re

from gradtui.trace import numbers
from gradtui.wire.messages import Value

_PADDED = re.compile(r"(?<![\w./])(\d+(?:\.\d+)?)e(?:(-)|\+)0*(?=\d)")
"""Not in a name or a path."""


def written(text: str) -> str:
    """A text with the numbers in it as they are written here: `2.5e-8` for `2.5e-08`."""
    return _PADDED.sub(r"\1e\2", text) if "e" in text else text


def digits(x: float, places: int = 6) -> str:
    """A float in at most `places` significant digits."""
    return written(numbers.digits(x, places))


def short(value: Value | None, places: int = 6) -> str:
    """A gradient in a few characters: the number, the entries of a small tensor, else shape and norm."""
    return written(numbers.short(value, places))


def brief(x: float, places: int) -> str:
    """The shorter of the two ways to write a float: `0.0051`, `5.1e-4`."""
    plain = digits(x, places)
    mantissa, e, exponent = f"{x:.{places - 1}e}".partition("e")
    if not e:  # inf, nan
        return plain
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    scientific = f"{mantissa}e{int(exponent)}"
    return scientific if len(scientific) < len(plain) else plain
