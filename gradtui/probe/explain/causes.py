"""Why a function has no finite value for finite operands, and where in a tensor that is."""

from __future__ import annotations

import math
from typing import Any

import torch

from gradtui.probe.pytorch.private import op_of
from gradtui.wire.values import digits

_SPREADS = ("Std", "Var", "StdMean", "VarMean")


def cause_of(node: Any, saved: dict[str, torch.Tensor]) -> str | None:
    """Finite operands that a node's function has no finite value for. `saved`: by their names."""
    word = op_of(node).partition("Backward")[0]
    x, other = saved.get("self"), saved.get("other")
    exponent: object = getattr(node, "_saved_exponent", None)
    if word in ("Log", "Log2", "Log10") and x is not None and (x <= 0).any():
        return _signs(x)
    if word == "Log1P" and x is not None and (x <= -1).any():
        return entries(x, x <= -1, "-1 or less")
    if word == "Div" and other is not None and (other == 0).any():
        return f"its divisor: {entries(other, other == 0, 'zero')}"
    if word == "Pow" and x is not None and isinstance(exponent, (int, float)):
        wrong = torch.isfinite(x) & ~torch.isfinite(x.pow(exponent))
        return entries(x, wrong, f"without a finite power of {exponent:g}") if wrong.any() else None
    if word == "Mul" and x is not None and other is not None:
        product = x * other
        wrong = torch.isfinite(x) & torch.isfinite(other) & ~torch.isfinite(product)
        return entries(product, wrong, "too large") if wrong.any() else None
    if word in ("Acos", "Asin") and x is not None and (x.abs() > 1).any():
        return entries(x, x.abs() > 1, "beyond 1")
    return _too_few(node, x.shape) if word in _SPREADS and x is not None else None


def _too_few(node: Any, shape: torch.Size) -> str | None:
    """A spread of so few entries that nothing is left to divide by."""
    dims, correction = node._saved_dim, node._saved_correction
    count = math.prod([shape[_signed(dim)] for dim in dims] if dims else shape)
    correction = 1 if correction is None else correction
    if count > correction:
        return None
    over = "1 entry" if count == 1 else f"{count} entries"
    return f"it is taken over {over}, and with a correction of {correction} nothing is left to divide by"


def _signed(dim: int) -> int:
    """A dimension counted from the end, as torch keeps it."""
    return dim - (1 << 64) if dim >= 1 << 63 else dim


def masked_rows(node: Any, result: torch.Tensor) -> str:
    """A softmax of finite entries is finite: what is NaN in it is so as whole rows, mostly for one reason."""
    if not op_of(node).startswith(("Softmax", "LogSoftmax")) or not result.dim():
        return ""
    dim = _signed(node._saved_dim)
    rows = torch.isnan(result).all(dim)
    count, total = int(rows.sum()), rows.numel()
    if not count or count * result.shape[dim] != int(torch.isnan(result).sum()):
        return ""
    are = "the row is" if total == 1 else f"{count:,} of {total:,} rows {'is' if count == 1 else 'are'}"
    return f"; {are} NaN as a whole, as those of -inf alone are (a mask that leaves nothing)"


def _signs(x: torch.Tensor) -> str:
    signs = ((x == 0, "zero"), (x < 0, "negative"))
    return " and ".join(entries(x, wrong, what) for wrong, what in signs if wrong.any())


def entries(value: torch.Tensor, wrong: torch.Tensor, what: str) -> str:
    """`2 of 10 entries are zero, the first at [3]`."""
    count, total = int(wrong.sum()), value.numel()
    if total == 1:
        return f"it is {number(value.detach().reshape(()))}"
    first = first_of(wrong)
    at = "" if first is None else f", the first at {list(first)} ({number(value.detach()[first])})"
    told = f"{count:,} of {total:,} entries {'is' if count == 1 else 'are'} {what}{at}"
    if value.dtype == torch.float16 and not value.is_sparse and torch.isinf(value.detach()[wrong]).any():
        told += f"; float16 ends at {torch.finfo(torch.float16).max:.0f}"
    return told


def first_of(wrong: torch.Tensor) -> Any:
    found = wrong.nonzero()
    return tuple(found[0].tolist()) if len(found) else None


def number(value: torch.Tensor) -> str:
    exact = value.item()
    told = digits(exact)
    if isinstance(exact, complex) or not math.isfinite(exact):
        return told
    rounded_away = float(told) == round(exact) != exact  # 1.0000001 is beyond 1
    return digits(exact, 9) if rounded_away else told
