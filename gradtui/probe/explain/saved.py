"""The saved tensors of a node, for an explanation: which was changed, their shapes. Runs no unpack hooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from gradtui.probe.pytorch.private import packed, raw_saved, saved_names, saved_value, saves_tensor


def changed(node: Any, version: int) -> tuple[str, torch.Tensor] | None:
    """The saved tensor that was changed in place since, up to `version`, and the name it is saved under."""
    for name in saved_names(node):
        raw = raw_saved(node, name)
        parts = raw if isinstance(raw, (tuple, list)) else (raw,)
        if raw is None or packed(node, name):
            continue
        try:
            saved_value(node, name)
            continue
        except RuntimeError:
            pass
        for i, part in enumerate(parts):
            tensor = None if part is None else part.data
            if not isinstance(tensor, torch.Tensor) or tensor._version != version:
                continue
            if len(parts) == 1 or _broken(part):
                return (f"{name}[{i}]" if len(parts) > 1 else name), tensor
    return None


def _broken(part: Any) -> bool:
    try:
        part.unpack()
    except RuntimeError:
        return True
    return False


def readable(node: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """What can be read of the saved tensors, by name."""
    for name in saved_names(node):
        try:
            value = None if packed(node, name) else saved_value(node, name)
        except RuntimeError:  # freed, or changed in place since
            continue
        if isinstance(value, torch.Tensor):
            yield name, value
        elif isinstance(value, (tuple, list)):
            for i, part in enumerate(value):
                if isinstance(part, torch.Tensor):
                    yield f"{name}[{i}]", part


def shapes(node: Any, freed: bool = False) -> dict[str, str]:
    """Type and shape of each; `freed`: the names of those that are gone."""
    if freed:
        return {name: "" for name in saved_names(node) if saves_tensor(node, name)}
    return {
        name: f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
        for name, value in readable(node)
    }
