"""Names for the nodes of a torch graph: variables in scope, `named_parameters()` first, then expressions."""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable
from functools import lru_cache
from types import FrameType
from typing import Any

import torch

from gradtui.probe import names
from gradtui.probe.pytorch.module_paths import ModulePaths
from gradtui.probe.pytorch.private import leaf_of, op_of, packed, readable, saved_value
from gradtui.probe.weak import Reference

_SIGNS = {
    "Add": "+",
    "Sub": "-",
    "Mul": "*",
    "Div": "/",
    "Mm": "@",
    "Mv": "@",
    "Dot": "@",
    "Bmm": "@",
    "Neg": "neg",
}
_CALLED = {
    "Tanh", "Exp", "Log", "Relu", "Sigmoid", "Sin", "Cos", "Sqrt", "Abs", "Sum", "Mean", "Softmax",
    "LogSoftmax", "Gelu", "Silu", "Clone", "Norm", "Prod", "Max", "Min", "Var", "Std", "Cumsum", "Squeeze",
}  # fmt: skip
_SAVED_AS = {
    "Mm": ("self", "mat2"),
    "Bmm": ("self", "mat2"),
    "Mv": ("self", "vec"),
    "Dot": ("self", "tensor"),
}
"""Under which names operations save their operands; the others as `self` and `other`."""
_PATH = re.compile(r"[\w.\[\]]+")
_NAME = re.compile(r"^(\w+?)Backward\d*$")


class TorchNames:
    """Remembers the names of leaves between passes, so that a training loop is searched deeply once.

    A remembered name is doubted when something else is found under it. Leaves made anew for each
    pass are searched for as deep as such were found at the same call of `backward` before.
    """

    def __init__(self, assigned: Callable[[Any], str | None]) -> None:
        """`assigned`: the variable that a node's result was stored in as it was made."""
        self._assigned = assigned
        self._leaves: dict[int, tuple[weakref.ref[Any], str | None]] = {}
        self.modules = ModulePaths()
        self._depths: dict[int, int] = {}  # by stack: the deepest that a new leaf was found at
        self._fruitless: set[int] = set()  # stacks at which the deepest search left new leaves nameless

    def find(
        self, nodes: list[Any], frames: list[FrameType], between: list[FrameType], stack: int
    ) -> list[tuple[str | None, bool, Any]]:
        """For each node: its name, whether that is a variable's path, the tensor found under it or None.

        `frames`: the user's; `between`: the library's that they called `backward` through. `stack`: the id
        of the stack that called it.
        """
        search = self._search(nodes, frames, between, stack)
        if search.doubted:
            for key in search.doubted:
                del self._leaves[key]
            search = self._search(nodes, frames, between, stack)
        self._remember(search)
        return search.names(self._assigned)

    def _search(
        self, nodes: list[Any], frames: list[FrameType], between: list[FrameType], stack: int
    ) -> _Search:
        search = _Search(nodes, self._leaves, self.modules)
        search.run(frames, 1)
        if search.new and between and not search.new <= set(search.found):
            search.run(between, 1)  # a trainer's own `self` says more than a long way through the trainer
        if search.new <= set(search.found):
            return search
        depth = self._depths.get(stack, names.DEEPEST)
        if depth > 1:
            search.run(frames, depth)
        if depth < names.DEEPEST and stack not in self._fruitless and not search.new <= set(search.found):
            search.run(frames, names.DEEPEST)
        if not search.new <= set(search.found):
            self._fruitless.add(stack)
        self._depths[stack] = max(self._depths.get(stack, 1), search.depth)
        return search

    def _remember(self, search: _Search) -> None:
        for variable in search.leaves:
            known = self._leaves.get(id(variable))
            if known is None or known[0]() is not variable or known[1] is None:
                path = search.found.get(id(variable))
                self._leaves[id(variable)] = (Reference(variable), path)
        if len(self._leaves) > 2 * len(search.leaves) + 10_000:
            self._leaves = {k: v for k, v in self._leaves.items() if v[0]() is not None}


class _Search:
    """One search for one pass."""

    def __init__(
        self,
        nodes: list[Any],
        known: dict[int, tuple[weakref.ref[Any], str | None]],
        modules: ModulePaths,
    ) -> None:
        self._nodes = nodes
        self._modules = modules
        self._inner = {id(node) for node in nodes if leaf_of(node) is None}
        self.leaves = [leaf for node in nodes if (leaf := leaf_of(node)) is not None]
        self.found: dict[int, str] = {}
        self._tensors: dict[int, Any] = {}
        self._outputs: dict[int, dict[int, str]] = {}
        """By node: the names of its outputs, by their number."""
        self._inputs: dict[int, str] = {}
        """Tensors without a gradient that were met, by `id()`: they may be operands."""
        self._by_module: set[int] = set()
        self._wanted = set(self._inner)
        self.new: set[int] = set()
        """Leaves, by `id()`, that were in no pass before."""
        self.depth = 0
        """The deepest that one of them was found at."""
        self._remembered: dict[str, set[int]] = {}
        self._doubts: set[int] = set()
        self._confirmed: set[int] = set()
        for variable in self.leaves:
            entry = known.get(id(variable))
            if entry is not None and entry[0]() is variable:
                if entry[1] is not None:
                    self.found[id(variable)] = entry[1]
                    self._by_module.add(id(variable))
                    self._remembered.setdefault(entry[1], set()).add(id(variable))
            else:
                self.new.add(id(variable))
            if id(variable) not in self.found:
                self._wanted.add(id(variable))

    @property
    def doubted(self) -> set[int]:
        """Leaves, by `id()`, under whose remembered names something else was found, and not they."""
        return self._doubts - self._confirmed

    def run(self, frames: list[FrameType], deepest: int) -> None:
        names.search(frames, self._claim, lambda: not self._wanted and not self.doubted, deepest)

    def _check(self, obj: Any, path: str) -> None:
        remembered = self._remembered.get(path)
        if remembered:
            self._confirmed.update(remembered & {id(obj)})
            self._doubts.update(remembered - {id(obj)})

    def _found(self, key: int, at: str) -> None:
        if key in self.new:
            self.depth = max(self.depth, at.count(".") + at.count("["))

    def _claim(self, obj: Any, path: str) -> bool:
        self._check(obj, path)
        kind = type(obj)  # `isinstance` asks an object for its `__class__`, which may be the program's code
        if issubclass(kind, torch.Tensor):
            self._claim_tensor(obj, path)
            return True
        if issubclass(kind, torch.nn.Module):
            self._claim_module(obj, path)
            return True
        return issubclass(kind, (torch.optim.Optimizer, torch.dtype, torch.device))

    def _claim_tensor(self, tensor: torch.Tensor, path: str) -> None:
        key = id(tensor)
        if key in self._wanted:
            self._wanted.discard(key)
            self.found.setdefault(key, path)
            self._found(key, path)
            return
        if not tensor.requires_grad:
            self._inputs.setdefault(key, path)
            return
        node = tensor.grad_fn
        if node is None or id(node) not in self._inner:
            return
        self._outputs.setdefault(id(node), {}).setdefault(tensor.output_nr, path)
        if id(node) not in self.found:
            self._wanted.discard(id(node))
            self.found[id(node)] = path
            self._tensors[id(node)] = tensor

    def _claim_module(self, module: torch.nn.Module, path: str) -> None:
        """Parameters are called as `named_parameters` calls them, whatever else holds them."""
        for name, parameter in torch.nn.Module.named_parameters(module, remove_duplicate=False):
            self._modules.place(parameter, path, name.rpartition(".")[0])
            key = id(parameter)
            self._check(parameter, f"{path}.{name}")
            if key not in self._by_module:
                self._by_module.add(key)
                self._wanted.discard(key)
                self.found[key] = f"{path}.{name}"
                self._found(key, path)
        for name, part in torch.nn.Module.named_modules(module):
            self._modules.place(part, path, name)
            prefix = f"{path}.{name}" if name else path
            for attribute, value in list(vars(part).items()):
                if isinstance(value, torch.Tensor):
                    self._claim_tensor(value, f"{prefix}.{attribute}")

    def names(self, assigned: Callable[[Any], str | None]) -> list[tuple[str | None, bool, Any]]:
        """In the order of the nodes. What no variable holds any more goes by the name that it was `assigned`
        when it was made; else it is written out from its operands."""
        told: dict[int, tuple[str | None, bool, Any]] = {}
        for node in self._nodes:
            if id(node) not in self.found and leaf_of(node) is None and (name := assigned(node)):
                self.found[id(node)] = name
        for node in reversed(self._nodes):
            self._name(node, told)
        for node in reversed(self._nodes):  # operands may come after their users in the walk
            if told[id(node)][0] is None:
                self._name(node, told)
        return [told[id(node)] for node in self._nodes]

    def _name(self, node: Any, told: dict[int, tuple[str | None, bool, Any]]) -> None:
        leaf = leaf_of(node)
        key = id(node if leaf is None else leaf)
        outputs = self._outputs.get(key, {})
        if any(outputs):  # more than the first output has a name: `a, b, c`
            told[id(node)] = (", ".join(outputs[i] for i in sorted(outputs)), True, None)
            return
        if key in self.found:
            told[id(node)] = (self.found[key], True, self._tensors.get(key))
            return
        if _word(type(node).__name__) is None:
            told[id(node)] = (None, False, None)
            return
        operands = [
            self._operand(function, output, told) if function is not None else self._input(node, slot)
            for slot, (function, output) in enumerate(node.next_functions)
        ]
        told[id(node)] = (_written_out(node, operands), False, None)

    def _input(self, node: Any, slot: int) -> str | None:
        """An operand that needs no gradient, where torch saved it: a number, or a tensor that was met."""
        match = _NAME.match(op_of(node))
        named = _SAVED_AS.get(match.group(1) if match else "", ("self", "other"))
        if (
            slot >= len(named)
            or not hasattr(type(node), "_saved_" + named[slot])
            or packed(node, named[slot])
        ):
            return None
        try:
            saved = saved_value(node, named[slot])
        except RuntimeError:  # freed, or changed in place since
            return None
        if not isinstance(saved, torch.Tensor):
            return None
        found = self._inputs.get(id(saved))
        if found is None and not readable(saved) and saved.dim() == 0:
            return f"{saved.item():g}"
        return found

    def _operand(
        self, function: Any, output: int, told: dict[int, tuple[str | None, bool, Any]]
    ) -> str | None:
        """The name of one output of a node."""
        outputs = self._outputs.get(id(function), {})
        if any(outputs) or output:
            return outputs.get(output)
        return told.get(id(function), (None,))[0]


@lru_cache(maxsize=2_000)
def _word(kind: str) -> str | None:
    """The word for an op that can be written out, `Mul` for `MulBackward0`; None for any other."""
    match = _NAME.match(kind)
    word = match.group(1) if match is not None else ""
    return word if word in _SIGNS or word in _CALLED or word in ("Pow", "T") else None


def _written_out(node: Any, operands: list[str | None]) -> str | None:
    word = _word(type(node).__name__) or ""
    if word in _SIGNS:
        if any(operands):  # one that needs no gradient may be nowhere to be found: `out - …`
            unknown = [function is None for function, _ in node.next_functions]
            operands = ["…" if o is None and gone else o for o, gone in zip(operands, unknown)]
        return names.written_out(_SIGNS[word], operands)
    if word == "Pow":
        exponent = getattr(node, "_saved_exponent", None)
        if isinstance(exponent, (int, float)):
            return names.written_out(f"**{exponent:g}", operands[:1])
        return names.written_out("**", operands)
    if word == "T":
        return f"{operands[0]}.T" if operands and _PATH.fullmatch(operands[0] or "") else None
    return names.written_out(word.lower(), operands[:1]) if word in _CALLED else None
