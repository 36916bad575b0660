"""What of a pass goes into the stream: at once, or kept until somebody has to know of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from msgspec.structs import astuple

from gradtui.probe.pytorch.graph import Graph
from gradtui.probe.pytorch.later import MOST, Later
from gradtui.probe.reporter import Reporter
from gradtui.wire.messages import Accumulated, Place, Saved, Sent, Stepped, Summary, Value

Taken: TypeAlias = tuple[
    int,
    tuple[Value | None, ...],
    Sequence[Value | None],
    Accumulated | None,
    tuple[Saved, ...],
    tuple[str, ...],
    Place | None,
]
"""A step as it is kept: the node by index, what it received, what it sent along each edge, and the rest of
`Stepped`: the leaf's account, what was saved, why it went bad and in which function of the program's."""

UNREAD = Summary((), "", "", note="not read")
"""Of a pass in which no breakpoint could hold."""


class Telling:
    """Tells of one pass and its steps."""

    def __init__(self, reporter: Reporter, number: int, graph: Graph, later: Later) -> None:
        self._reporter = reporter
        self._number = number
        self._graph = graph
        self._later = later
        self.steps = 0
        """That have ended."""
        self._announce: Callable[[], object] | None = None
        self._alone: Callable[[], object] = list
        self._kept: deque[tuple[int, Taken]] = deque()

    @property
    def waits(self) -> bool:
        """Has nothing been told yet?"""
        return self._announce is not None

    def put_off(self, announce: Callable[[], object], alone: Callable[[], object]) -> None:
        """Tell of nothing until `announce`; of a pass in which that never comes, `alone` tells."""
        self._announce, self._alone = announce, alone

    def announce(self) -> None:
        """Tell of the pass, and of the steps that were kept."""
        announce, self._announce = self._announce, None
        if announce is not None:
            announce()
        self.settle()

    def settle(self) -> None:
        """Tell of the steps that wait for a device, where the pass has been told of."""
        if self._announce is not None or not self._kept:
            return
        with self._reporter.lock:
            self._later.settle()
            while self._kept:  # a signal's handler may end this anywhere: each is told once
                step, taken = self._kept.popleft()
                self._tell(step, taken)

    def take(self, taken: Taken) -> None:
        """A step has ended."""
        with self._reporter.lock:  # the threads of several devices may end steps of one pass
            self.steps += 1
            if self._announce is None and not self._later.waiting:
                self._tell(self.steps, taken)
                return
            self._kept.append((self.steps, taken))
        if self._later.waiting >= MOST:
            self.settle()

    def take_order(self, ran: Iterable[int]) -> None:
        """Nodes have run, by index, and nothing of what they received and sent was read."""
        for i in ran:
            told = [None if target is None else UNREAD for target in self._graph.inputs[i]]
            self.take((i, (UNREAD,), told, None, (), (), None))

    def finish(self) -> None:
        """The pass is over. Nothing of it is kept: a graph would stay alive until the collector comes."""
        self.settle()
        alone, self._alone = self._alone, list
        if self._announce is not None:
            alone()
        self._announce = None

    def _tell(self, step: int, taken: Taken) -> None:
        i, got, told, accumulated, saved, why, function = taken
        if self._later.settled:
            value_of = self._later.value
            got, told = tuple(map(value_of, got)), list(map(value_of, told))
            if accumulated is not None:
                node, *values = astuple(accumulated)
                accumulated = Accumulated(node, *map(value_of, values))
        sent = [
            None if value is None or target is None else Sent(target, value)
            for target, value in zip(self._graph.inputs[i], told)
        ]
        number = self._graph.ids[i]
        self._reporter.stepped(
            Stepped(
                self._number, step, number, got, tuple(sent), accumulated,
                saved=saved, function=function, why=why,
            )
        )  # fmt: skip
