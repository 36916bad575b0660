"""What the person puts in the place of a tensor: checked against it, so that the engine can go on with it."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any

import torch

from gradtui.probe.impossible import Impossible
from gradtui.probe.pytorch.private import untouched


def gradient_for(
    expression: str, gradients: tuple[Any, ...], slot: int, evaluate: Callable[..., Any]
) -> torch.Tensor:
    """The result of an expression in the place of one received gradient. Raises `Impossible`.

    The expression gets copies: what it does in place reaches no other node that shares the memory.
    """
    if not 0 <= slot < len(gradients):
        raise Impossible(f"the node receives {len(gradients)} gradients: there is no received[{slot}]")
    old = gradients[slot]
    name = f"received[{slot}]"
    if not isinstance(old, torch.Tensor):
        raise Impossible(f"{name} is None: nothing was sent there that could be replaced")
    with torch.set_grad_enabled(old.requires_grad), untouched():
        copies = tuple([g.clone() if isinstance(g, torch.Tensor) else g for g in gradients])
    result = evaluate(_compiled(expression), old.requires_grad, received=copies, g=copies[slot])
    return _like(old, result, name, expression)


def value_for(expression: str, leaf: torch.Tensor, evaluate: Callable[..., Any]) -> torch.Tensor:
    """The result of an expression in the place of a leaf's value: a copy. Raises `Impossible`."""
    with torch.no_grad(), untouched():
        copy = leaf.detach().clone()
    result = evaluate(_compiled(expression), False, leaf=copy)
    with torch.no_grad(), untouched():
        return _like(leaf, result, "the leaf", expression).detach().clone()


def _compiled(expression: str) -> CodeType:
    try:
        return compile(expression.strip(), "<what if>", "eval")
    except (SyntaxError, ValueError) as error:
        why = error.msg if isinstance(error, SyntaxError) else str(error)
        raise Impossible(f"`{expression}` is no Python expression: {why}") from None


def _like(old: torch.Tensor, result: Any, name: str, expression: str) -> torch.Tensor:
    if not isinstance(result, torch.Tensor):
        what = "None" if result is None else f"no tensor but of type {type(result).__name__}"
        raise Impossible(
            f"`{expression}` is {what}: {name} is {_kind(old)}; 0*g and torch.full_like(g, 1) are too"
        )
    same = (result.shape, result.dtype, result.device, result.layout)
    if same != (old.shape, old.dtype, old.device, old.layout):
        raise Impossible(f"`{expression}` is {_kind(result)}, but {name} is {_kind(old)}: they must be alike")
    return result


def _kind(tensor: torch.Tensor) -> str:
    """`a float32 tensor of shape [3, 2] on cpu`."""
    layout = "" if tensor.layout is torch.strided else f"{str(tensor.layout).removeprefix('torch.')} "
    dtype = str(tensor.dtype).removeprefix("torch.")
    return f"a {layout}{dtype} tensor of shape {list(tensor.shape)} on {tensor.device}"
