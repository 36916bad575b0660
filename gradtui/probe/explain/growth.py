"""A graph that grows from pass to pass, and is kept each time: something in it was never let go."""

from __future__ import annotations

from gradtui.probe.reporter import Reporter

PASSES = 12
"""So many passes in a row, begun at one line with `retain_graph=True`, must have had more nodes than the one
before."""


class Growth:
    """One for a run."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._sizes: dict[int, tuple[int, int, int]] = {}
        """By the stack that called backward: nodes of the last pass, of the first of those that grew, and how
        many these are."""
        self._told = False

    def kept(self, number: int, stack: int, nodes: int) -> None:
        """A pass over so many nodes has ended, and its graph is kept."""
        last, first, times = self._sizes.get(stack, (0, nodes, 0))
        first, times = (first, times + 1) if last and nodes > last else (nodes, 0)
        self._sizes[stack] = nodes, first, times
        if times == PASSES and not self._told:
            self._told = True
            where = self._reporter.places.shown(stack)
            self._reporter.notice(
                f"the graph of the passes from {where} grows: {first:,} nodes {PASSES} passes ago, {nodes:,} "
                "in this one, all of them kept by retain_graph. Does it hold on to earlier passes (a state "
                "that is carried on without detach())?",
                number,
            )
