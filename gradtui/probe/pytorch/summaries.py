"""Summaries of tensors: what crosses the wire instead of the tensor. Never keeps one alive."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import torch
from msgspec import structs

from gradtui.probe.few import FEW, SOME, summary_of_floats
from gradtui.probe.pytorch.private import dispatch_modes, keys_of, readable, untouched
from gradtui.wire.messages import Summary

CROWD = 1_000
"""Kinds of tensors that are remembered."""


def summarize(tensor: Any, rich: bool) -> Summary | None:
    """A tensor's summary: norm always, statistics up to 4,096 elements, values up to 64.

    `rich`: statistics for any size and values up to 4,096, at the price of reading it more often.
    None for None. Never raises for a tensor it cannot read: `note` says why it did not.
    """
    if tensor is None:
        return None
    with untouched():
        return read(tensor, rich)


def read(tensor: torch.Tensor, rich: bool, brief: bool = False) -> Summary:
    """Like `summarize`, of a tensor; for whom works `untouched` already.

    `brief`: where not `rich`, of more than 64 elements the norm alone.
    """
    if brief and not rich:
        norm = norm_of(tensor)
        if norm is not None:
            return Summary(tuple(tensor.shape), DTYPES[tensor.dtype], "cpu", norm)
    return _read(tensor, rich, brief)


def norm_of(tensor: torch.Tensor) -> float | None:
    """The norm of an ordinary tensor of more than 64 elements, None of any other, and where it is not finite.

    What takes most of the time of watching large gradients: all that tells a tensor's nature is in its
    dispatch keys.
    """
    if type(tensor) is not torch.Tensor and type(tensor) is not torch.nn.Parameter:
        return None
    take = (_norms.get((tensor.dtype, keys_of(tensor))) or _learn(tensor))[0]
    if take is None or tensor.numel() <= FEW or dispatch_modes():
        return None
    norm = take(tensor.detach() if tensor.requires_grad else tensor).item()
    return norm if norm <= _MOST else None


def _read(tensor: torch.Tensor, rich: bool, brief: bool) -> Summary:
    shape = tuple(tensor.shape) if not tensor.is_nested else ()
    dtype, device = str(tensor.dtype).removeprefix("torch."), str(tensor.device)
    why_not = readable(tensor)
    sparse = why_not == "sparse" and tensor.layout is torch.sparse_coo and tensor.is_floating_point()
    if why_not and not sparse:
        return Summary(shape, dtype, device, note=why_not)
    flat = tensor.detach() if tensor.requires_grad else tensor
    count = flat.numel()
    try:
        if sparse:  # several entries may be meant for one place
            stored = _large(flat.coalesce().values(), shape, dtype, device, False)
            return structs.replace(stored, note=why_not)
        if flat.is_complex():
            norm, nonfinite = _norm_and_nonfinite(flat)
            return Summary(shape, dtype, device, norm=norm, nonfinite=nonfinite, note="complex")
        if count <= (SOME if rich else FEW):
            return summary_of_floats(
                [float(v) for v in flat.reshape(-1).tolist()], shape, dtype, device, SOME if rich else FEW
            )
        return _large(flat, shape, dtype, device, rich or (count <= SOME and not brief))
    except (RuntimeError, NotImplementedError, TypeError) as error:
        return Summary(shape, dtype, device, note=str(error).splitlines()[0][:80])


_Take: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
_vector_norm: Callable[..., torch.Tensor] = torch.linalg.vector_norm
_MOST = sys.float_info.max
_NORMS: dict[torch.dtype, _Take] = {
    torch.float64: _vector_norm,
    torch.float32: _vector_norm,
    torch.float16: partial(_vector_norm, dtype=torch.float32),
    torch.bfloat16: partial(_vector_norm, dtype=torch.float32),
}
DTYPES = {dtype: str(dtype).removeprefix("torch.") for dtype in _NORMS}
"""As text, which torch makes anew each time."""
_norms: dict[tuple[torch.dtype, int], tuple[_Take | None]] = {}
"""How to take the norm of tensors of a dtype and a set of dispatch keys; None where one call would not do."""


def _learn(tensor: torch.Tensor) -> tuple[_Take | None]:
    """What is ordinary: in this machine's memory, not sparse, nested, conjugate, wrapped nor batched."""
    if dispatch_modes():
        return (None,)
    ordinary = tensor.is_cpu and not readable(tensor) and not tensor.is_conj() and not tensor.is_neg()
    if len(_norms) >= CROWD:
        _norms.clear()
    found = _norms[tensor.dtype, keys_of(tensor)] = (_NORMS.get(tensor.dtype) if ordinary else None,)
    return found


def _large(flat: torch.Tensor, shape: tuple[int, ...], dtype: str, device: str, stats: bool) -> Summary:
    if not flat.is_floating_point():
        flat = flat.double()
    norm, nonfinite = _norm_and_nonfinite(flat)
    if not stats:
        return Summary(shape, dtype, device, norm=norm, nonfinite=nonfinite)
    low, high = torch.aminmax(flat)
    return Summary(
        shape,
        dtype,
        device,
        norm=norm,
        min=low.item(),
        max=high.item(),
        mean=flat.mean(dtype=torch.float64).item(),
        zeros=flat.numel() - int(torch.count_nonzero(flat)),
        nonfinite=nonfinite,
    )


def _norm_and_nonfinite(flat: torch.Tensor) -> tuple[float, int]:
    norm = _norm(flat)
    if math.isfinite(norm):
        return norm, 0
    nonfinite = flat.numel() - int(torch.isfinite(flat).sum())
    if nonfinite:
        return norm, nonfinite
    return _norm(
        flat.to(torch.complex128 if flat.is_complex() else torch.float64)
    ), 0  # only squares overflow


def _norm(flat: torch.Tensor) -> float:
    take = _NORMS.get(flat.dtype) or _vector_norm
    norm: float = take(flat).item()
    return norm
