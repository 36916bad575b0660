"""Which pass freed a node's saved tensors. Knows the sequence numbers of the last passes' nodes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

KEPT = 200_000
"""Nodes remembered, of all passes together; the last pass is remembered however large it is."""


class Freed:
    """Passes that have ended and freed their graph, newest last."""

    def __init__(self) -> None:
        self._passes: deque[tuple[int, int, frozenset[int]]] = deque()
        self._count = 0

    def add(self, number: int, stack: int, sequence_numbers: Iterable[int]) -> None:
        """Pass `number`, called at `stack`, has freed the nodes of these numbers."""
        nodes = frozenset(sequence_numbers)
        self._passes.append((number, stack, nodes))
        self._count += len(nodes)
        while self._count > KEPT and len(self._passes) > 1:
            self._count -= len(self._passes.popleft()[2])

    def by(self, sequence_number: int, before: int) -> tuple[int, int] | None:
        """The pass before pass `before` that freed a node last, and its stack."""
        for number, stack, nodes in reversed(self._passes):
            if number < before and sequence_number in nodes:
                return number, stack
        return None
