"""Which hook ended a pass. Of one that returned what torch refuses, torch tells the name at most.

Looked for, when a pass has failed, among all objects that the garbage collector knows: the hooks of a tensor
or of a node lie in an `OrderedDict` by the numbers of their handles. Checked with torch 2.13.0.
"""

from __future__ import annotations

import gc
import inspect
import re
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from traceback import walk_tb
from types import CodeType
from typing import Any

import torch
from torch.utils.hooks import BackwardHook

from gradtui.probe.places import of_probe
from gradtui.probe.pytorch.private import grad_fn_of, leaf_of

_REFUSED = re.compile(
    r"hook '(?P<name>[^']*)' has (?:changed|returned)|expected (?:tuple|Variable), but hook returned"
)
_NAMELESS = "<unknown>"
"""What torch calls a hook without a `__name__`."""


def hook_at(
    error: Exception, nodes: Sequence[Any], running: int | None, of_program: Callable[[CodeType], bool]
) -> tuple[CodeType | None, int | None]:
    """The code of the program's hook that ended the pass, and the index of the node that it belongs to.

    `running`: the node that is known to run. None for what is not known for sure.
    """
    match = _REFUSED.match(str(error)) if type(error) in (RuntimeError, TypeError) else None
    raised = _codes_of(error) if match is None else set()
    if match is None and (running is not None or not any(map(of_program, raised))):
        return None, None
    name = match["name"] if match is not None else None
    found = [
        (code, node)
        for hook, node in _hooks(nodes)
        if name is None or getattr(hook, "__name__", _NAMELESS) == name
        for code in _codes(hook)
        if of_program(code) and (match is not None or code in raised)
    ]
    if len({code for code, _ in found}) > 1:
        found = [(code, node) for code, node in found if node is not None and node == running]
    codes, at = {code for code, _ in found}, {node for _, node in found}
    return codes.pop() if len(codes) == 1 else None, at.pop() if len(at) == 1 else None


def hook_of(nodes: Sequence[Any], i: int, of_program: Callable[[CodeType], bool]) -> CodeType | None:
    """The code of the program's only hook of a node, or of its tensor; None where that is not known.

    Where the tensor is gone, so is what ties its hooks to a node: then the only one there is of that kind.
    """
    hooks = [(node, code) for hook, node in _hooks(nodes) for code in _codes_or_none(hook)]
    own = {code for node, code in hooks if node == i}
    lost = {code for node, code in hooks if node is None and not (code is not None and of_probe(code))}
    return _only(own or lost, of_program)


def module_hook(of_program: Callable[[CodeType], bool]) -> CodeType | None:
    """The code of the program's full backward hook of a module, where there is one and no other."""
    things = [thing for thing in gc.get_objects() if type(thing) is BackwardHook]
    hooks = [hook for thing in things for hook in (*thing.user_hooks, *thing.user_pre_hooks)]
    return _only({code for hook in hooks for code in _codes_or_none(hook)}, of_program)


def _codes_or_none(hook: Any) -> list[CodeType | None]:
    """Its code; None alone where it has none that can be seen."""
    codes: list[CodeType | None] = list(_codes(hook))
    return codes or [None]


def _only(codes: set[CodeType | None], of_program: Callable[[CodeType], bool]) -> CodeType | None:
    """The one that there is, where it is the program's. None among them: a hook whose code is not known."""
    code = next(iter(codes)) if len(codes) == 1 else None
    return code if code is not None and of_program(code) else None


def _codes_of(error: Exception) -> set[CodeType]:
    """What it was raised through."""
    return {frame.f_code for frame, _ in walk_tb(error.__traceback__)}


def _hooks(nodes: Sequence[Any]) -> Iterator[tuple[Any, int | None]]:
    """All hooks of tensors and nodes; those of a living tensor in the pass with the index of its node."""
    index = {id(node): i for i, node in enumerate(nodes)}
    index |= {id(leaf): i for i, node in enumerate(nodes) if (leaf := leaf_of(node)) is not None}
    homes: dict[int, int | None] = {}
    registers = []
    homes_of_all = (sys.modules[kind.__module__] for kind in (torch.nn.Module, torch.optim.Optimizer))
    apart = {id(register) for module in homes_of_all for register in vars(module).values()}
    """Of modules and optimizers, and those for all of them."""
    for thing in gc.get_objects():
        kind = type(thing)
        if kind is OrderedDict:
            registers.append(thing)
        elif issubclass(kind, torch.Tensor):
            apart.add(id(getattr(thing, "_post_accumulate_grad_hooks", None)))
            if (own := thing._backward_hooks) is None:
                continue
            node = grad_fn_of(thing)
            homes[id(own)] = index.get(id(thing if node is None else node))
        elif issubclass(kind, (torch.nn.Module, torch.optim.Optimizer)):
            apart.update(map(id, vars(thing).values()))
    for register in registers:
        if id(register) in apart:
            continue
        if id(register) in homes and homes[id(register)] is None:
            continue  # of a tensor in another graph
        for key, hook in list(register.items()):
            if type(key) is int and callable(hook):
                yield hook, homes.get(id(register))


def _codes(hook: Any) -> Iterator[CodeType]:
    """The Python code of a hook; of a module's, which torch wraps, that of what it wraps."""
    while type(hook) is partial:
        hook = hook.func
    hook = inspect.unwrap(getattr(hook, "__func__", hook))
    code = getattr(hook, "__code__", None) or getattr(type(hook).__call__, "__code__", None)
    if isinstance(code, CodeType):
        yield code
    for cell in getattr(hook, "__closure__", None) or ():
        held = cell.cell_contents
        if type(held) is BackwardHook:
            for user_hook in (*held.user_hooks, *held.user_pre_hooks):
                yield from _codes(user_hook)
