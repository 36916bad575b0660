"""Where the program stands inside a pass of a scalar engine, and what can be asked there."""

from __future__ import annotations

import math
from collections.abc import Iterable
from types import CodeType
from typing import TYPE_CHECKING, Any

from gradtui.probe.expressions import evaluate
from gradtui.probe.impossible import Impossible
from gradtui.probe.inspecting import answer
from gradtui.probe.numbers import known, number
from gradtui.probe.scalar.graph import Entry
from gradtui.probe.spot import Spot
from gradtui.wire.messages import Change, Changed, Inspect, Inspected, Node, Replace, Replaced, Summary, Value

if TYPE_CHECKING:
    from gradtui.probe.scalar.report import ScalarReport


class ScalarSpot(Spot):
    """An engine's node, what it received, and what it sent if it has run."""

    def __init__(
        self,
        report: ScalarReport,
        entry: Entry,
        received: Value | None,
        sent: tuple[Value | None, ...] | None = None,
    ) -> None:
        self._report = report
        self._entry = entry
        self._received = received
        self._sent = sent
        self.ran = sent is not None
        self.number = report.number
        self.step = report.steps - self.ran
        self.id = entry.id

    @property
    def node(self) -> Node:
        """As it was announced."""
        return self._report.nodes[self.id]

    def announce(self) -> None:
        """It has been told of as it began."""

    def received(self) -> tuple[Value | None, ...]:
        """The one number that it received."""
        return (self._received,)

    def frames(self, stack: int) -> Iterable[tuple[str, int]]:
        """The files and lines that led to a forward operation."""
        return self._report.reporter.places.lines(stack)

    def holding(self) -> Iterable[Node]:
        """Leaves that had a gradient as the pass began."""
        held = self._report.held
        return [node for node in self._report.nodes.values() if node.leaf and held.get(node.id)]

    def evaluate(self, code: CodeType) -> Any:
        """`received`, `sent`, `g`, `node` (the engine's object), `op`, `name` and the program's variables."""
        return self._evaluate(code)

    def _evaluate(self, code: CodeType, **instead: Any) -> Any:
        names = {
            "math": math,
            "received": (self._received,),
            "sent": self._sent or (),
            "g": self._received,
            "node": self._entry.obj,
            "grad": self._received,
            "op": self.node.op,
            "name": self.node.name,
            "module": None,
            "pass_number": self.number,
            "step_number": self.step + 1,
            **instead,
        }
        with self._report.reporter.mute():
            return evaluate(code, names, self._report.frame)

    # ---------------------------------------------------------------- commands

    def _zero(self) -> tuple[int, ...]:
        return tuple(self._report.zero())

    def _inspect(self, command: Inspect) -> Inspected:
        entry = self._entry_of(command.node or self.node.id)
        here = entry is self._entry
        found: dict[str, Any] = {"received[0]": self._received} if here else {}
        if here:
            found.update({f"sent[{k}]": value for k, value in enumerate(self._sent or ())})
        found.update({"grad": self._report.grad_of(entry), "value": self._report.data_of(entry)})
        found = {name: value for name, value in found.items() if value is not None}
        return answer(command, entry.id, found, self.evaluate, here)

    def _replace(self, command: Replace) -> Replaced:
        if command.slot:
            raise Impossible("a node of this engine receives one gradient: received[0]")
        old = self._received
        if not isinstance(old, float):
            raise Impossible("the node holds no gradient that is one number: there is nothing to replace")
        new = self._number(command.expression, g=old)
        self._report.replace(self._entry, new)
        self._received = new
        return Replaced(self.number, self.step + 1, self.node.id, 0, command.expression, old, new)

    def _change(self, command: Change) -> Changed:
        entry = self._entry_of(command.node)
        old = number(self._report.data_of(entry))
        if not self._report.nodes[command.node].leaf or not isinstance(old, float):
            raise Impossible("only a leaf that is one number can be changed: select one")
        new = self._number(command.expression, leaf=old)
        self._report.later[entry.id] = new
        return Changed(self.number, self.step, entry.id, command.expression, old, new)

    def _number(self, expression: str, **instead: float) -> float:
        """What an expression gives, as one number. Raises `Impossible`."""
        try:
            code = compile(expression.strip(), "<what if>", "eval")
        except (SyntaxError, ValueError) as error:
            why = error.msg if isinstance(error, SyntaxError) else str(error)
            raise Impossible(f"`{expression}` is no Python expression: {why}") from None
        result = self._evaluate(code, **instead)
        value = number(result) if known(result) else None
        if value is None or isinstance(value, Summary):
            raise Impossible(f"`{expression}` is no number but of type {type(result).__name__}")
        return value

    def _entry_of(self, node: int) -> Entry:
        entry = self._report.entry_of(node)
        if entry is None:
            raise self.no_node(node)
        return entry
