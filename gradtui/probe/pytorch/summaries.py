"""Summaries of tensors: what crosses the wire instead of the tensor. Never keeps one alive."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from gradtui.probe.numbers import FEW, SOME, summary_of_floats
from gradtui.probe.pytorch.private import readable, untouched
from gradtui.wire.messages import Summary


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
    shape = tuple(tensor.shape) if not tensor.is_nested else ()
    dtype, device = _named(tensor.dtype).removeprefix("torch."), _named(tensor.device)
    why_not = readable(tensor)
    if why_not:
        return Summary(shape, dtype, device, note=why_not)
    flat = tensor.detach() if tensor.requires_grad else tensor
    count = flat.numel()
    try:
        if flat.is_complex():
            return Summary(shape, dtype, device, norm=_norm(flat), note="complex")
        if count <= (SOME if rich else FEW):
            return summary_of_floats(
                [float(v) for v in flat.reshape(-1).tolist()], shape, dtype, device, SOME if rich else FEW
            )
        return _large(flat, shape, dtype, device, rich or (count <= SOME and not brief))
    except (RuntimeError, NotImplementedError, TypeError) as error:
        return Summary(shape, dtype, device, note=str(error).splitlines()[0][:80])


_vector_norm: Callable[..., torch.Tensor] = torch.linalg.vector_norm
_WIDER = {torch.float16: torch.float32, torch.bfloat16: torch.float32}
_names: dict[Any, str] = {}


def _named(thing: Any) -> str:
    """A dtype or a device as text, which torch makes anew each time."""
    name = _names.get(thing)
    if name is None:
        name = _names[thing] = str(thing)
    return name


def _large(flat: torch.Tensor, shape: tuple[int, ...], dtype: str, device: str, stats: bool) -> Summary:
    if not flat.is_floating_point():
        flat = flat.double()
    norm = _norm(flat)
    nonfinite = 0
    if not math.isfinite(norm):
        nonfinite = flat.numel() - int(torch.isfinite(flat).sum())
        if not nonfinite:  # only the squares were too large
            norm = _norm(flat.double())
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


def _norm(flat: torch.Tensor) -> float:
    wider = _WIDER.get(flat.dtype)
    norm = _vector_norm(flat) if wider is None else _vector_norm(flat, dtype=wider)
    return norm.item()
