"""How explanations call things: a node in words, a tensor by the variable under which it is found."""

from __future__ import annotations

import dis
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch

from gradtui.probe import names
from gradtui.probe.pytorch.private import is_tensor
from gradtui.wire.messages import Node

DEEPEST = 4
"""Path components."""
NAMED = 3
"""Parameters that are called by name in one finding."""


def said(facts: Node) -> str:
    """A node in words: `MulBackward0 (h*w)`."""
    return f"{facts.op} ({facts.name})" if facts.name else facts.op


def name_in(frames: list[FrameType], wanted: Callable[[torch.Tensor], bool]) -> str | None:
    """The shortest path from a variable to a tensor that is wanted."""
    found: list[str] = []

    def claim(obj: Any, path: str) -> bool:
        if found:
            return True
        kind = type(obj)
        if is_tensor(obj):
            if wanted(obj):
                found.append(path)
            return True
        if issubclass(kind, torch.nn.Module):
            _claim_module(obj, path)
            return True
        return issubclass(kind, torch.optim.Optimizer)

    def _claim_module(module: torch.nn.Module, path: str) -> None:
        for tensors in (torch.nn.Module.named_parameters(module), torch.nn.Module.named_buffers(module)):
            for name, tensor in tensors:
                if not found and wanted(tensor):
                    found.append(f"{path}.{name}")
        for name, part in torch.nn.Module.named_modules(module):
            for attribute, value in list(vars(part).items()):
                if not found and is_tensor(value) and wanted(value):
                    found.append(".".join(filter(None, (path, name, attribute))))

    names.search(frames, claim, lambda: bool(found), DEEPEST)
    return found[0] if found else None


def modules_in(frames: list[FrameType]) -> list[tuple[str, torch.nn.Module]]:
    """The modules in scope, nearest first."""
    found: list[tuple[str, torch.nn.Module]] = []

    def claim(obj: Any, path: str) -> bool:
        kind = type(obj)
        if issubclass(kind, torch.nn.Module):
            found.append((path, obj))
        return issubclass(kind, (torch.nn.Module, torch.Tensor))

    names.search(frames, claim, lambda: False, DEEPEST)
    return found


def several(names: list[str], count: int) -> str:
    """The first of so many parameters by name, and how many more."""
    told = ", ".join(names[:NAMED]) or f"{count} parameter{'' if count == 1 else 's'} without a name"
    return told + (f" and {count - NAMED} more" if names and count > NAMED else "")


def defined(parents: dict[str, torch.nn.Module], name: str, attribute: str) -> tuple[Any, int] | None:
    """The instruction of an `__init__` of the program's that set the parameter or a module around it."""
    while True:
        owner = parents.get(name)
        code = getattr(getattr(type(owner), "__init__", None), "__code__", None)
        if code is not None and not code.co_filename.startswith(torch.__path__[0]):
            for instruction in dis.get_instructions(code):
                if instruction.opname == "STORE_ATTR" and instruction.argval == attribute:
                    return code, instruction.offset
        if not name:
            return None
        name, _, attribute = name.rpartition(".")
