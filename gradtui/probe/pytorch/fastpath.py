"""Lets torch take the fused inference paths that it takes where no function mode is active.

`TransformerEncoderLayer`, `TransformerEncoder` and `MultiheadAttention` ask
`torch.overrides.has_torch_function` whether anybody listens, and leave their fused path if so, which moves
the output by rounding. Where no node would be made our mode has nothing to hear and is not counted.
Checked with torch 2.13.0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import overrides
from torch.overrides import TorchFunctionMode

from gradtui.probe.pytorch.modes import lay, lift
from gradtui.probe.pytorch.private import being_compiled, is_tensor


class FastPaths:
    """Context manager: who asks about tensors that make no node gets the answer without our mode."""

    def __init__(self, mode: TorchFunctionMode) -> None:
        self._mode = mode
        self._original: Callable[[Iterable[Any]], bool] = overrides.has_torch_function

    def __enter__(self) -> None:
        mode, original = self._mode, overrides.has_torch_function
        self._original = original

        def has_torch_function(args: Iterable[Any]) -> bool:
            if being_compiled() or _makes_nodes(args) or not lift(mode):
                return original(args)
            try:
                return original(args)
            finally:
                lay(mode)

        overrides.has_torch_function = has_torch_function

    def __exit__(self, *exc: object) -> None:
        overrides.has_torch_function = self._original  # type: ignore[assignment]


def _makes_nodes(args: Iterable[Any]) -> bool:
    return torch.is_grad_enabled() and any(is_tensor(x) and x.requires_grad for x in args)
