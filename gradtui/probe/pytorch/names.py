"""Names for the nodes of a torch graph: variables in scope, `named_parameters()` first, then expressions."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NamedTuple, TypeAlias

import torch

from gradtui.probe import names
from gradtui.probe.pytorch.graph import Graph
from gradtui.probe.pytorch.module_paths import ModulePaths
from gradtui.probe.pytorch.private import grad_fn_of, is_tensor
from gradtui.probe.pytorch.written_out import write_out
from gradtui.probe.weak import Reference

Named: TypeAlias = tuple[str | None, bool, Any]
"""A node's name, whether that is a variable's path, and the tensor that was found under it or None."""


class Calls(NamedTuple):
    """Through which `backward` was called."""

    frames: list[FrameType]
    """The user's."""
    between: list[FrameType]
    """The library's that lie between those and `backward`."""
    stack: int
    """The id of it all."""


class TorchNames:
    """Remembers the names of leaves between passes, so that a training loop is searched deeply once.

    A remembered name is doubted when something else is found under it. Leaves made anew for each
    pass are searched for as deep as such were found at the same call of `backward` before.
    """

    def __init__(self) -> None:
        self._leaves: dict[int, tuple[weakref.ref[Any], str | None]] = {}
        self.modules = ModulePaths()
        self._depths: dict[int, int] = {}  # by stack: the deepest that a new leaf was found at
        self._fruitless: set[int] = set()  # stacks at which the deepest search left new leaves nameless

    def find(self, graph: Graph, calls: Calls, assigned: Callable[[int], str | None]) -> list[Named]:
        """For each node. `assigned`: the variable that its result, by index, was stored in as it was made."""
        search = self._search(graph, calls)
        if search.doubted:
            for key in search.doubted:
                del self._leaves[key]
            search = self._search(graph, calls)
        self._remember(search)
        return search.names(assigned)

    def _search(self, graph: Graph, calls: Calls) -> _Search:
        frames, between, stack = calls
        search = _Search(graph, self._leaves, self.modules)
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
        graph: Graph,
        known: dict[int, tuple[weakref.ref[Any], str | None]],
        modules: ModulePaths,
    ) -> None:
        self._graph = graph
        self._modules = modules
        self._inner = {id(node) for node, leaf in zip(graph.nodes, graph.leaves) if leaf is None}
        self.leaves = [leaf for leaf in graph.leaves if leaf is not None]
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
        if is_tensor(obj):
            self._claim_tensor(obj, path)
            return True
        kind = type(obj)
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
        node = grad_fn_of(tensor)
        if node is None or id(node) not in self._inner:
            return
        self._outputs.setdefault(id(node), {}).setdefault(tensor.output_nr, path)
        if id(node) not in self.found:
            self._wanted.discard(id(node))
            self.found[id(node)] = path
            self._tensors[id(node)] = tensor

    def _claim_module(self, module: torch.nn.Module, path: str) -> None:
        """Parameters are called as `named_parameters` calls them, whatever else holds them."""
        for name, part in _inside(module):
            self._modules.place(part, path, name)
            prefix = f"{path}.{name}" if name else path
            for key, parameter in part._parameters.items():
                if parameter is not None:
                    self._claim_parameter(parameter, path, name, f"{prefix}.{key}")
            for key, value in list(vars(part).items()):
                if is_tensor(value):
                    self._claim_tensor(value, f"{prefix}.{key}")

    def _claim_parameter(self, parameter: torch.Tensor, model: str, module: str, path: str) -> None:
        self._modules.place(parameter, model, module)
        self._check(parameter, path)
        key = id(parameter)
        if key not in self._by_module:
            self._by_module.add(key)
            self._wanted.discard(key)
            self.found[key] = path
            self._found(key, path)

    def names(self, assigned: Callable[[int], str | None]) -> list[Named]:
        """In the order of the nodes. What no variable holds any more goes by the name that it was `assigned`
        when it was made; else it is written out from its operands."""
        told: list[Named] = []
        for i, (node, leaf) in enumerate(zip(self._graph.nodes, self._graph.leaves)):
            key = id(node if leaf is None else leaf)
            outputs = self._outputs.get(key)
            if outputs and any(outputs):  # more than the first output has a name: `a, b, c`
                told.append((", ".join(outputs[n] for n in sorted(outputs)), True, None))
            else:
                path = self.found.get(key) or (assigned(i) if leaf is None else None)
                told.append((path, path is not None, self._tensors.get(key)))
        write_out(self._graph, told, self._outputs, self._inputs)
        return told


def _inside(module: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module]]:
    """As `named_modules`, which takes longer the deeper a module lies."""
    stack, seen = [("", module)], {id(module)}
    while stack:
        name, part = stack.pop()
        yield name, part
        for key, child in reversed(part._modules.items()):
            if child is not None and id(child) not in seen:
                seen.add(id(child))
                stack.append((f"{name}.{key}" if name else key, child))
