"""What torch saved for a node's backward, read without running any of the program's unpack hooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from gradtui.probe.pytorch.later import is_far
from gradtui.probe.pytorch.private import packed, saved_names, saved_value, untouched
from gradtui.probe.pytorch.summaries import summarize
from gradtui.wire.messages import Saved

_saved_names: dict[type, list[str]] = {}


def read_saved(node: Any, rich: bool) -> tuple[Saved, ...]:
    """What torch saved for a node's backward. Large tensors are read only when `rich`."""
    kind = type(node)
    known = _saved_names.get(kind)
    if known is None:
        known = _saved_names[kind] = saved_names(node)
    found: list[Saved] = []
    with untouched():
        for name in known:
            found.extend(_read_one(node, name, rich))
    return tuple(found)


def _read_one(node: Any, name: str, rich: bool) -> Iterator[Saved]:
    try:
        if packed(node, name):
            yield Saved(name, None, "reading it would run the program's code: saved-tensor hooks, or a mode")
            return
        value = saved_value(node, name)
    except RuntimeError as error:
        yield Saved(name, None, str(error).splitlines()[0])
        return
    if isinstance(value, (tuple, list)) and any(isinstance(part, torch.Tensor) for part in value):
        for i, part in enumerate(value):
            yield _described(f"{name}[{i}]", part, rich)
    elif value is not None and not (isinstance(value, tuple) and not value):
        yield _described(name, value, rich)


def _described(name: str, value: Any, rich: bool) -> Saved:
    if isinstance(value, torch.Tensor):
        near = value.numel() <= 64 and not is_far(value)
        if rich or near or value.is_nested:
            return Saved(name, summarize(value, rich))
        return Saved(name, None, f"{'x'.join(map(str, value.shape))}, not read in passing")
    return Saved(name, None, repr(value)[:80])
