"""Float arithmetic as IEEE 754 (and torch) has it, where Python would raise or turn complex."""

from __future__ import annotations

import math


def divide(a: float, b: float) -> float:
    """a / b; a zero divisor gives an infinity or NaN."""
    try:
        return a / b
    except ZeroDivisionError:
        if a == 0 or a != a:
            return math.nan
        return math.copysign(math.inf, a) * math.copysign(1.0, b)


def power(base: float, exponent: float) -> float:
    """base ** exponent in the reals; NaN where only a complex result exists, inf on overflow."""
    try:
        result = base**exponent
    except ZeroDivisionError:
        odd = exponent % 2 == 1
        return math.copysign(math.inf, base) if odd else math.inf
    except OverflowError:
        odd = exponent % 2 == 1
        return -math.inf if base < 0 and odd else math.inf
    return math.nan if isinstance(result, complex) else result


def exponential(x: float) -> float:
    """e ** x; inf on overflow."""
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def logarithm(x: float) -> float:
    """Natural logarithm; -inf at 0, NaN below."""
    if x > 0:
        return math.log(x)
    return -math.inf if x == 0 else math.nan


def logistic(x: float) -> float:
    """1 / (1 + e ** -x) without overflow on either side."""
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    e = math.exp(x)
    return e / (1 + e)
