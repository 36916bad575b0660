"""A graph of torch's as it is announced: ids, names, lines, modules and values of its nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import torch

from gradtui.probe.frames import library_frames, user_frames
from gradtui.probe.pytorch.forward import ForwardMap, Operation, returned_by
from gradtui.probe.pytorch.graph import Graph
from gradtui.probe.pytorch.leaf_values import LeafValues
from gradtui.probe.pytorch.names import Calls, Named, TorchNames
from gradtui.probe.pytorch.private import leaf_of, op_of, root_node
from gradtui.probe.pytorch.summaries import summarize
from gradtui.probe.reporter import Reporter
from gradtui.probe.weak import Remembered
from gradtui.wire.messages import Module, Node, Value


class Describer:
    """Remembers from pass to pass what leaves and modules are called, and what was read of leaves."""

    def __init__(self, reporter: Reporter, forward: ForwardMap, leaf_ids: Remembered[int]) -> None:
        """`leaf_ids`: the ids given out by a describer before this one, whose work this one takes up."""
        self._reporter = reporter
        self._forward = forward
        self._leaf_ids = leaf_ids
        self._inner_ids: dict[tuple[int, str], int] = {}
        self._names = TorchNames()
        self.values = LeafValues()

    def known(self, leaf: Any) -> int | None:
        """The id of a leaf, None for one that was in no pass."""
        return self._leaf_ids.get(leaf)

    def identify(self, nodes: list[Any], ops: list[str]) -> list[int]:
        """Our ids: a leaf keeps its own for the run; a retained graph keeps its nodes' from pass to pass."""
        ids = []
        inner: dict[tuple[int, str], int] = {}
        for node, op in zip(nodes, ops):
            variable = leaf_of(node)
            if variable is not None:
                ids.append(self._leaf_id(variable))
                continue
            key = (node._sequence_nr(), op)
            number = self._inner_ids.get(key) if key not in inner else None
            if number is None:
                number = self._reporter.new_node()
            inner.setdefault(key, number)
            ids.append(number)
        self._inner_ids = inner
        return ids

    def _leaf_id(self, variable: Any) -> int:
        number = self.known(variable)
        if number is None:
            number = self._reporter.new_node()
            self._leaf_ids.set(variable, number)
        return number

    def describe(
        self,
        graph: Graph,
        roots: list[Any],
        caller: FrameType,
        rich: bool,
    ) -> list[Node]:
        """The nodes as they are announced. `roots`: what backward was called with."""
        places = self._reporter.places
        made = [
            None if leaf is not None else self._forward.made(node)
            for node, leaf in zip(graph.nodes, graph.leaves)
        ]

        def assigned(i: int) -> str | None:
            return self._assigned(made[i], graph.nodes[i])

        calls = Calls(user_frames(caller, places), library_frames(caller, places), places.stack(caller))
        named = self._named(graph, calls, assigned)
        modules = self._names.modules
        for path, kind in modules.kinds():
            self._reporter.send(Module(path, kind))
        results = {id(root_node(t)): t for t in roots if isinstance(t, torch.Tensor)}
        described = []
        for i, (node, leaf, operation, (name, is_path, tensor)) in enumerate(
            zip(graph.nodes, graph.leaves, made, named)
        ):
            value: Value | None
            if leaf is not None:
                stack, module, value = None, id(leaf), self.values(leaf, rich)
            else:
                stack, module = (operation.stack, operation.module) if operation is not None else (None, 0)
                tensor = results.get(id(node), tensor)
                value = self._forward.value_of(node) if tensor is None else summarize(tensor, rich)
            described.append(
                Node(
                    graph.ids[i],
                    graph.ops[i],
                    graph.inputs[i],
                    leaf is not None,
                    name,
                    is_path,
                    value,
                    places.use(stack),
                    modules.of(module),
                    outputs=graph.outputs[i],
                )
            )
        return described

    def _named(self, graph: Graph, calls: Calls, assigned: Callable[[int], str | None]) -> Sequence[Named]:
        """The names; none where the search through the program's objects fails."""
        try:
            return self._names.find(graph, calls, assigned)
        except Exception as error:
            self._reporter.fault(error, "look for names")
            return [(None, False, None)] * len(graph.nodes)

    def root(self, node: Any, number: int, roots: list[Any]) -> Node:
        """A root alone, of a pass that is not recorded."""
        value = next((summarize(t, False) for t in roots if root_node(t) is node), None)
        made = self._forward.made(node)
        leaf = leaf_of(node) is not None
        name = None if leaf else self._assigned(made, node)
        stack = self._reporter.places.use(None if made is None else made.stack)
        return Node(number, op_of(node), (), leaf, name, name is not None, value, stack)

    def _assigned(self, made: Operation | None, node: Any) -> str | None:
        """The variable that a node's result was stored in as it was made."""
        if made is None or not returned_by(made, node):
            return None
        return self._reporter.places.assigned(made.stack)
