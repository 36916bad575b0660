"""Where the program stands: a node that is about to run, or has just run, and what can be asked there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from types import CodeType
from typing import Any

from gradtui.probe.impossible import Impossible
from gradtui.wire.messages import (
    Change,
    Changed,
    Command,
    Event,
    Inspect,
    Inspected,
    Node,
    Replace,
    Replaced,
    Value,
    Zero,
    Zeroed,
)


class Spot(ABC):
    """One for each engine. Valid only while the program stands there."""

    number: int
    """The pass."""
    step: int
    """Steps of the pass done before this node ran."""
    id: int
    """Of the node."""
    ran: bool
    """Has it run already?"""

    @property
    @abstractmethod
    def node(self) -> Node:
        """The node, as it is announced."""

    @property
    def models(self) -> frozenset[str]:
        """The variables of the models to which the nodes of the pass belong; a scalar engine has none."""
        return frozenset()

    @abstractmethod
    def announce(self) -> None:
        """The program will stop here: the pass is told of, where that was put off."""

    @abstractmethod
    def received(self) -> tuple[Value | None, ...]:
        """What it received, read in full."""

    @property
    def then(self) -> int | None:
        """The node that the engine takes once this one has run, where that can be told."""
        return None

    @abstractmethod
    def frames(self, stack: int) -> Iterable[tuple[str, int]]:
        """The files and lines that led to a forward operation, innermost first."""

    @abstractmethod
    def holding(self) -> Iterable[Node]:
        """Leaves that had a gradient as the pass began."""

    @abstractmethod
    def evaluate(self, code: CodeType) -> Any:
        """The value of an expression there. Raises whatever it raises."""

    # ---------------------------------------------------------------- commands

    def answer(self, command: Command) -> Iterable[Event]:
        """What is said to a command that is given here. Raises `Impossible` where it cannot be done."""
        match command:
            case Zero() if self.step == 0 and not self.ran:
                yield Zeroed(self.number, self._zero())
            case Inspect():
                yield self._inspect(command)
            case Replace() if self.ran:
                raise Impossible(
                    "this node has run already: step to the next one to replace what it receives"
                )
            case Replace():
                yield self._replace(command)
            case Change():
                yield self._change(command)

    @abstractmethod
    def _zero(self) -> tuple[int, ...]:
        """Clear the gradients of the pass's leaves; the nodes that held one."""

    @abstractmethod
    def _inspect(self, command: Inspect) -> Inspected: ...

    @abstractmethod
    def _replace(self, command: Replace) -> Replaced: ...

    @abstractmethod
    def _change(self, command: Change) -> Changed: ...

    def no_node(self, node: int) -> Impossible:
        """What is raised where a command means a node of another pass."""
        return Impossible(f"pass {self.number}, in which the program stands, has no node {node}")
