"""Which tensors of a node can still be read while the program stands inside a pass, by their names."""

from __future__ import annotations

from types import FrameType
from typing import TYPE_CHECKING, Any

import torch

from gradtui.probe.explain.saved import readable
from gradtui.probe.frames import variables
from gradtui.probe.pytorch.private import grad_fn_of, is_tensor, leaf_of, untouched

if TYPE_CHECKING:
    from gradtui.probe.pytorch.one_pass import TorchPass

FRAMES = 16
"""Frames around the call of backward in which a module is looked for."""


def readable_of(pass_: TorchPass, i: int, received: tuple[Any, ...], sent: tuple[Any, ...]) -> dict[str, Any]:
    """Tensors by name, in the order in which a person asks for them; reads nothing of them.

    `received`, `sent`: of the node that the program stands at, () for any other.
    """
    with untouched():
        found = {f"received[{k}]": tensor for k, tensor in enumerate(received)}
        found.update({f"sent[{k}]": tensor for k, tensor in enumerate(sent)})
        node = pass_.nodes[i]
        variable = leaf_of(node)
        if variable is not None:
            found.update({"grad": variable.grad, "value": variable})
        else:
            found.update(_outputs(pass_, i))
            found.update({f"saved.{name}": tensor for name, tensor in readable(node)})
        module = _module(pass_.frame, pass_.described[i].module)
        if module is not None:
            found.update({f"buffer.{name}": tensor for name, tensor in module.named_buffers(recurse=False)})
        return {name: tensor for name, tensor in found.items() if isinstance(tensor, torch.Tensor)}


def _outputs(pass_: TorchPass, i: int) -> dict[str, Any]:
    """The forward outputs of a node: what its users saved of it, what the program still calls by a name."""
    node, number = pass_.nodes[i], pass_.ids[i]
    outputs: dict[int, torch.Tensor] = {}
    if pass_.frame is not None:
        for value in variables(pass_.frame).values():
            if is_tensor(value) and grad_fn_of(value) is node:
                outputs.setdefault(value.output_nr, value)
    for user, inputs in zip(pass_.nodes, pass_.graph.inputs):
        if number in inputs:
            for _, tensor in readable(user):
                if grad_fn_of(tensor) is node:
                    outputs.setdefault(tensor.output_nr, tensor)
    if not outputs:
        own = dict(readable(node))
        if "result" in own and grad_fn_of(own["result"]) is node:
            outputs[0] = own["result"]
    return {"output" if k == 0 else f"output[{k}]": outputs[k] for k in sorted(outputs)}


def _module(frame: FrameType | None, path: str | None) -> torch.nn.Module | None:
    """The module of a path, found in the variables of the frames that led to backward."""
    wanted = _dotted(path or "")
    for _ in range(FRAMES if wanted else 0):
        if frame is None:
            break
        for name, value in variables(frame).items():
            if issubclass(type(value), torch.nn.Module):
                module: torch.nn.Module
                for inner, module in value.named_modules():
                    if wanted in (inner, f"{name}.{inner}" if inner else name):
                        return module
        frame = frame.f_back
    return None


def _dotted(path: str) -> str:
    """`layers[0].norm` as modules call it: `layers.0.norm`."""
    return path.replace("[", ".").replace("]", "")
