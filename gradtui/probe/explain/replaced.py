"""Parameters that were replaced after their optimizer was made: it steps what no model holds any more."""

from __future__ import annotations

import dis
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

import torch

from gradtui.probe.frames import variables
from gradtui.probe.places import Places


@dataclass(frozen=True)
class Replaced:
    """What stands in the place of parameters that an optimizer holds."""

    names: tuple[str, ...]
    """Of the parameters that the model has instead."""
    stack: int | None
    """The statement that put them there, where only one can have."""
    in_forward: bool = False
    """Does the forward do that?"""


def replaced(
    held: Collection[int],
    modules: list[tuple[str, torch.nn.Module]],
    reached: Callable[[Any], bool],
    frames: list[FrameType],
    places: Places,
) -> Replaced | None:
    """What the model that other parameters of the optimizer belong to has of its own that no optimizer holds.

    `held`: the parameters of all optimizers, by `id()`; `reached`: has a leaf been in a pass?
    """
    for path, model in modules:
        own = list(torch.nn.Module.named_parameters(model))
        new = [name for name, p in own if id(p) not in held and p.requires_grad and reached(p)]
        if new and len(new) < len(own):
            names = tuple(f"{path}.{name}" for name in new)
            in_forward = _in_forward(model, new[0])
            if in_forward is not None:
                return Replaced(names, places.at(*in_forward), True)
            return Replaced(names, _statement(new, _called(model, path, frames), frames, places))
    return None


def _in_forward(model: torch.nn.Module, name: str) -> tuple[CodeType, int] | None:
    """The one instruction in the forward of a parameter's module that sets it."""
    path, _, attribute = name.rpartition(".")
    part: Any = model
    for piece in path.split(".") if path else ():
        part = part._modules[piece]
    code = getattr(type(part).forward, "__code__", None)
    found = [] if code is None else list(_sets(code, [attribute], {"self"}))
    return (code, found[0]) if code is not None and len(found) == 1 else None


def _called(model: torch.nn.Module, path: str, frames: list[FrameType]) -> set[str]:
    """What a model is called where the program stands."""
    names = {name for frame in frames for name, value in variables(frame).items() if value is model}
    return names | {path.rpartition(".")[2]}


def _statement(names: list[str], models: set[str], frames: list[FrameType], places: Places) -> int | None:
    """The one statement of the program's, outside any `__init__`, that sets what all the names begin with."""
    codes = {code for frame in frames for code in _codes(_outermost(frame)) if places.is_user(code)}
    codes = {code for code in codes if code.co_name != "__init__"}
    words = names[0].split(".")
    while words:
        found = {(code, at) for code in codes for at in _sets(code, words, models)}
        if found:
            common = all(name.split(".")[: len(words)] == words for name in names)
            return places.at(*found.pop()) if common and len(found) == 1 else None
        words.pop()
    return None


def _sets(code: CodeType, words: Sequence[str], models: set[str]) -> Iterator[int]:
    """The instructions that set the last of these words, an attribute or an index, of the one before it.

    The first word is an attribute of one of `models`.
    """
    before: list[dis.Instruction] = []
    holders = {words[-2]} if len(words) > 1 else models
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("CACHE", "NOP", "EXTENDED_ARG"):
            continue
        holder: list[dis.Instruction] = []
        if instruction.opname == "STORE_ATTR" and instruction.argval == words[-1]:
            holder = before[-1:]
        elif instruction.opname == "STORE_SUBSCR" and before and str(before[-1].argval) == words[-1]:
            holder = before[-2:-1]
        if holder and (str(holder[0].argval) in holders or (len(words) > 1 and words[-2].isdigit())):
            yield instruction.offset
        before = [*before[-2:], instruction]


def _outermost(frame: FrameType) -> CodeType:
    """The code of the file that a frame's function stands in, where that runs; else the function's."""
    outer: FrameType | None = frame
    while outer is not None:
        code = outer.f_code
        if code.co_filename == frame.f_code.co_filename and code.co_name == "<module>":
            return code
        outer = outer.f_back
    return frame.f_code


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A code and all that stand in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)
