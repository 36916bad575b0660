"""Torch's stack of function modes: a mode of ours among the program's. Checked with torch 2.13.0.

A `with` over a mode or a device pops whatever lies on top when it ends, so ours must lie below the
program's. That of `set_default_device` must lie lowest of all, or the next call of it fails. While a
mode handles a call, torch has taken it off the stack, and puts it back afterwards: a mode cannot be taken
away from within.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import overrides
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from gradtui.probe.pytorch.private import on_optimizer_step


def lay(mode: TorchFunctionMode) -> None:
    """Put a mode below all others; only the default device's lies lower."""
    for attempt in list(_waiting):
        attempt()
    default = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
    above: list[Any] = []
    while torch._C._len_torch_function_stack():
        top = overrides._pop_mode()  # type: ignore[no-untyped-call]
        if top is default:
            overrides._push_mode(top)  # type: ignore[no-untyped-call]
            break
        above.append(top)
    for each in (mode, *reversed(above)):
        overrides._push_mode(each)  # type: ignore[no-untyped-call]


def on_stack(mode: TorchFunctionMode) -> bool:
    """Is a mode on this thread's stack at the moment?"""
    stack = overrides._get_current_function_mode_stack()  # type: ignore[no-untyped-call]
    return any(each is mode for each in stack)


def put_on_top(mode: TorchFunctionMode) -> None:
    """Put a mode that torch has taken off on the stack again, inside the call that it handles."""
    overrides._push_mode(mode)  # type: ignore[no-untyped-call]


def lift(mode: TorchFunctionMode) -> bool:
    """Take a mode away, wherever it lies; False where it is not on the stack at the moment."""
    if not on_stack(mode):
        return False
    above: list[Any] = []
    while (top := overrides._pop_mode()) is not mode:  # type: ignore[no-untyped-call]
        above.append(top)
    for each in reversed(above):
        overrides._push_mode(each)  # type: ignore[no-untyped-call]
    return True


def lift_soon(lifted: Callable[[], bool]) -> None:
    """Call `lifted` where the program is mostly outside any call that a mode handles, until it succeeds:
    before a module's forward, after an optimizer's step, and when another mode is laid.
    """
    handles: list[Any] = []

    def attempt(*_: Any) -> None:
        if handles and lifted():
            _waiting.remove(attempt)
            for handle in handles:
                handle.remove()
            handles.clear()

    handles += [register_module_forward_pre_hook(attempt), on_optimizer_step(attempt)]
    _waiting.append(attempt)


_waiting: list[Callable[[], None]] = []
