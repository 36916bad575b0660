"""Where the program stands inside a pass of torch's, and what can be asked there."""

from __future__ import annotations

import math
from collections.abc import Iterable
from types import CodeType
from typing import TYPE_CHECKING, Any

import torch

from gradtui.probe.breakpoints import models_of
from gradtui.probe.expressions import evaluate
from gradtui.probe.impossible import Impossible
from gradtui.probe.inspecting import answer
from gradtui.probe.pytorch.finding import readable_of
from gradtui.probe.pytorch.private import leaf_of
from gradtui.probe.pytorch.whatif import gradient_for, value_for
from gradtui.probe.spot import Spot
from gradtui.wire.messages import Change, Changed, Inspect, Inspected, Node, Replace, Replaced, Value

if TYPE_CHECKING:
    from gradtui.probe.pytorch.one_pass import TorchPass

LARGE = 1 << 23
"""Entries that take so long to be read that the person is told."""


class TorchSpot(Spot):
    """The node `i` of a pass, what it received, and what it sent if it has run."""

    def __init__(
        self, pass_: TorchPass, i: int, received: tuple[Any, ...], sent: tuple[Any, ...] | None = None
    ) -> None:
        self._pass = pass_
        self._i = i
        self.number = pass_.number
        self.step = pass_.steps
        self.id = pass_.ids[i]
        self.gradients = received
        """What the node runs with: another tuple than it received where the person has replaced one."""
        self._sent = sent
        self.ran = sent is not None

    @property
    def node(self) -> Node:
        """As it is announced."""
        return self._pass.described[self._i]

    @property
    def models(self) -> frozenset[str]:
        """The variables of the models to which its pass belongs."""
        return models_of(self._pass.described)

    def announce(self) -> None:
        """The pass is told of, where that was put off."""
        self._pass.announce()

    def received(self) -> tuple[Value | None, ...]:
        """In full."""
        return self._pass.read(self.gradients, True)

    @property
    def then(self) -> int | None:
        """The node that torch takes next; None where several are ready that it does not rank."""
        i = self._pass.graph.next(self._pass.ran, alone=True) if self.ran and self._pass.in_order else None
        return None if i is None else self._pass.ids[i]

    def frames(self, stack: int) -> Iterable[tuple[str, int]]:
        """The files and lines that led to a forward operation."""
        return self._pass.reporter.places.lines(stack)

    def holding(self) -> Iterable[Node]:
        """Leaves that had a gradient as the pass began."""
        return [node for node in self._pass.described if node.id in self._pass.held]

    def evaluate(self, code: CodeType) -> Any:
        """`received`, `sent`, `g`, `leaf`, `grad`, `op`, `name`, `module`; then the program's variables."""
        return self._evaluate(code)

    def _evaluate(self, code: CodeType, graph: bool = False, **instead: Any) -> Any:
        """`graph`: may the result have one? `instead`: names that mean something else here."""
        node, facts = self._pass.nodes[self._i], self.node
        leaf = leaf_of(node)
        names = {
            "torch": torch,
            "math": math,
            "received": self.gradients,
            "sent": self._sent or (),
            "g": self.gradients[0] if self.gradients else None,
            "node": node,
            "leaf": leaf,
            "grad": None if leaf is None else leaf.grad,
            "op": facts.op,
            "name": facts.name,
            "module": facts.module,
            "pass_number": self.number,
            "step_number": self.step + (not self.ran),
            **instead,
        }
        with self._pass.reporter.mute(), torch.set_grad_enabled(graph):
            return evaluate(code, names, self._pass.frame)

    # ---------------------------------------------------------------- commands

    def _zero(self) -> tuple[int, ...]:
        return tuple(self._pass.zero())

    def _inspect(self, command: Inspect) -> Inspected:
        i = self._index(command.node or self.node.id)
        here = i == self._i
        received, sent = (self.gradients, self._sent or ()) if here else ((), ())
        with self._pass.reporter.mute():
            found = readable_of(self._pass, i, received, sent)
            count = found[command.what].numel() if command.what in found else 0
            large = count > LARGE
            if large:
                self._pass.reporter.progress(f"reading {count:,} entries")
            try:
                return answer(command, self._pass.ids[i], found, self.evaluate, here)
            finally:
                if large:
                    self._pass.reporter.progress("")

    def _replace(self, command: Replace) -> Replaced:
        slot, before = command.slot, self.gradients
        new = gradient_for(command.expression, before, slot, self._evaluate)
        self.gradients = (*before[:slot], new, *before[slot + 1 :])
        old, value = self._pass.read((before[slot], new), True)
        return Replaced(self.number, self.step + 1, self.node.id, slot, command.expression, old, value)

    def _change(self, command: Change) -> Changed:
        i = self._index(command.node)
        leaf = leaf_of(self._pass.nodes[i])
        if leaf is None:
            raise Impossible("only a leaf has a value to change: select one")
        value = value_for(command.expression, leaf, self._evaluate)
        self._pass.later[self._pass.ids[i]] = value
        old, new = self._pass.read((leaf, value), True)
        return Changed(self.number, self.step, command.node, command.expression, old, new)

    def _index(self, node: int) -> int:
        try:
            return self._pass.ids.index(node)
        except ValueError:
            raise self.no_node(node) from None
