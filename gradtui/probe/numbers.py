"""A scalar engine's numbers as the stream carries them; torch is not needed here."""

from __future__ import annotations

import math
from typing import Any

from gradtui.probe.few import summary_of_floats
from gradtui.wire.messages import Summary, Value

_LIBRARIES = ("numpy", "torch", "jax", "jaxlib", "cupy", "decimal", "fractions")
_ROUNDING = {"float32": 1.1920929e-07, "float16": 9.8e-4, "bfloat16": 7.8e-3}
EXACT = 2.220446049250313e-16
"""Relative rounding of Python's own floats."""


def known(x: Any) -> bool:
    """Is it a number of Python's or a library's? Any other's arithmetic is the program's code."""
    kind = type(x)
    return kind is float or kind is int or kind is bool or kind.__module__.partition(".")[0] in _LIBRARIES


def number(x: Any) -> Value | None:
    """A float, or a summary where the engine works on arrays; None for what is no number.

    Runs none of the program's code: what is a float or int by inheritance is read as one.
    """
    if type(x) is float:
        return x
    if type(x) is int:
        return _float(x)
    if not known(x):
        inherited = next((kind for kind in (float, int) if issubclass(type(x), kind)), None)
        return _float(inherited.__pos__(x)) if inherited is not None else None
    shape = getattr(x, "shape", ())
    if shape != () or not hasattr(x, "__float__"):
        return _array(x) if hasattr(x, "tolist") else None
    return _float(x)


def _float(x: Any) -> float | None:
    try:
        return float(x)
    except OverflowError:
        return math.inf if x > 0 else -math.inf
    except (TypeError, ValueError):
        return None


def plain(grad: Any) -> float | None:
    """A gradient as one float, None where it is anything else."""
    if type(grad) is float:
        return grad
    value = number(grad)
    return value if isinstance(value, float) else None


def precision(x: Any) -> float:
    """The relative rounding of a number: that of its `dtype`, or of a float."""
    if type(x) is float or not known(x):
        return EXACT
    return _ROUNDING.get(str(getattr(x, "dtype", "")).rpartition(".")[2], EXACT)


def snapshot(grad: Any) -> Any:
    """A gradient that stays what it is when the engine writes in place (arrays)."""
    if type(grad) is float or not known(grad) or not hasattr(grad, "shape"):
        return grad
    return grad.copy() if hasattr(grad, "copy") else grad


def same(a: Any, b: Any) -> bool:
    """Equal as gradients: NaN equals NaN, arrays by their entries. What cannot be compared differs."""
    if type(a) is float and type(b) is float:
        return a == b or (a != a and b != b)
    if not known(a) or not known(b):
        return a is b
    try:
        equal = a == b
        if hasattr(equal, "all"):
            return bool((equal | ((a != a) & (b != b))).all())
        return bool(equal) or bool(a != a and b != b)
    except (TypeError, ValueError):
        return False


def is_zero(grad: Any) -> bool:
    """None or zero everywhere: nothing is lost when it is replaced."""
    if type(grad) is float or type(grad) is int:
        return not grad
    if grad is None:
        return True
    if not known(grad):
        return False
    zero = grad == 0
    return bool(zero.all()) if hasattr(zero, "all") else bool(zero)


def minus(after: Any, before: Any) -> Any:
    """What was added to `before` to make `after`; exact where before is zero."""
    if type(after) is float and (type(before) is float or type(before) is int):
        return after - before if before else after
    if not known(after) or not known(before):
        return after
    try:
        return after if is_zero(before) else after - before
    except TypeError:
        return after


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
