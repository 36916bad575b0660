"""A graph of torch's as it is announced: ids, names, lines, modules and values of its nodes."""

from __future__ import annotations

from types import FrameType
from typing import Any

import torch

from gradtui.probe.frames import library_frames, user_frames
from gradtui.probe.pytorch.forward import ForwardMap
from gradtui.probe.pytorch.graph import Graph
from gradtui.probe.pytorch.leaf_values import LeafValues
from gradtui.probe.pytorch.names import TorchNames
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
        self._names = TorchNames(self._assigned)
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
        frames, between = user_frames(caller, places), library_frames(caller, places)
        named = self._names.find(graph.nodes, frames, between, places.stack(caller))
        for path, kind in self._names.modules.kinds():
            self._reporter.send(Module(path, kind))
        results = {id(root_node(t)): t for t in roots if isinstance(t, torch.Tensor)}
        described = []
        for node, op, number, inputs, outputs, (name, is_path, tensor) in zip(
            graph.nodes, graph.ops, graph.ids, graph.inputs, graph.outputs, named
        ):
            leaf, sequence = leaf_of(node), self._forward.number_of(node)
            value: Value | None
            if leaf is not None:
                stack, module, value = None, id(leaf), self.values(leaf, rich)
            else:
                stack, module = self._forward.stack_of(sequence), self._forward.module_of(sequence)
                value = summarize(results.get(id(node), tensor), rich) or self._forward.value_of(sequence)
            described.append(
                Node(
                    number,
                    op,
                    inputs,
                    leaf is not None,
                    name,
                    is_path,
                    value,
                    places.use(stack),
                    self._names.modules.of(module),
                    outputs=outputs,
                )
            )
        return described

    def root(self, node: Any, number: int, roots: list[Any]) -> Node:
        """A root alone, of a pass that is not recorded."""
        value = next((summarize(t, False) for t in roots if root_node(t) is node), None)
        sequence = self._forward.number_of(node)
        leaf = leaf_of(node) is not None
        name = None if leaf else self._assigned(node)
        stack = self._reporter.places.use(self._forward.stack_of(sequence))
        return Node(number, op_of(node), (), leaf, name, name is not None, value, stack)

    def _assigned(self, node: Any) -> str | None:
        """The variable that a node's result was stored in as it was made."""
        stack = self._forward.result_of(self._forward.number_of(node))
        return None if stack is None else self._reporter.places.assigned(stack)
