"""How far the modules of a pass are at a step, and how large what their parameters were given is.

A heading's numbers are made when it is first drawn, from the steps of the nodes below it, and kept
sorted by step: a question is one search, and a step to come is one entry for each row above its node.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

from gradtui.trace import Pass
from gradtui.trace.numbers import magnitude

if TYPE_CHECKING:
    from gradtui.views.outline import Outline

MANY = 256
"""Steps that come at once after which the rows' numbers are made anew."""


class _Began:
    """The rows directly below one: when the first node of each ran, and the norm of what it received."""

    def __init__(self, rows: list[int]) -> None:
        self.place = {row: at for at, row in enumerate(rows)}
        self.steps = array("i", bytes(4 * len(rows)))
        """0 where none has run."""
        self.norms: list[float | None] = [None] * len(rows)
        self.seen = 0
        """Steps of the pass that have been looked at."""


class Totals:
    """Reads the steps of one pass as they come, each once."""

    def __init__(self, shown: Pass, outline: Outline) -> None:
        self._shown, self._outline = shown, outline
        self._seen = 0
        self._ran = array("i", bytes(4 * len(outline)))
        """By row: the step at which its node first ran, 0 before that."""
        self._added: list[tuple[int, int, float]] = []
        """What leaves were given: step, row, norm squared."""
        self._runs: dict[int, array[int]] = {}
        self._sums: dict[int, tuple[array[int], array[float]]] = {}
        self._began: dict[int, _Began] = {}

    def catch_up(self) -> None:
        """Take in the steps that have come."""
        new = self._shown.messages[self._seen :]
        if not new:
            return
        self._seen += len(new)
        few = len(new) <= MANY
        if not few:
            self._runs.clear()
            self._sums.clear()
        first_row, ran = self._outline.first_row, self._ran
        for message in new:
            row, account = first_row.get(message.node, -1), message.accumulated
            if row < 0:
                continue
            fresh, norm = not ran[row], None if account is None else magnitude(account.added)
            if fresh:
                ran[row] = message.step
            if norm is not None:
                self._added.append((message.step, row, norm * norm))
            if few:
                self._pass_up(row, message.step, fresh, norm)

    def _pass_up(self, row: int, step: int, fresh: bool, norm: float | None) -> None:
        above = self._outline.parent[row]
        while above >= 0:
            if fresh and above in self._runs:
                self._runs[above].append(step)
            if norm is not None and above in self._sums:
                steps, sums = self._sums[above]
                steps.append(step)
                sums.append((sums[-1] if sums else 0.0) + norm * norm)
            above = self._outline.parent[above]

    # ----------------------------------------------------------------- reading

    def done(self, row: int, step: int) -> int:
        """How many nodes below a row have run by a step."""
        return bisect_right(self._runs_of(row), step)

    def began(self, row: int, step: int) -> int | None:
        """The step at which the first node below a row ran, None before it."""
        runs = self._runs_of(row)
        return runs[0] if runs and runs[0] <= step else None

    def added(self, row: int, step: int) -> float | None:
        """The norm over all that the parameters below a row were given by a step; None before the first."""
        known = self._sums.get(row)
        if known is None:
            end = self._outline.end[row]
            mine = [(s, square) for s, at, square in self._added if row < at < end]
            sums = array("d", accumulate(square for _, square in mine))
            known = self._sums[row] = (array("i", [s for s, _ in mine]), sums)
        at = bisect_right(known[0], step)
        return math.sqrt(known[1][at - 1]) if at else None

    def through(self, row: int, step: int) -> list[float | None]:
        """The norms of what the rows directly below had received by a step; None where none has begun."""
        outline, end = self._outline, self._outline.end[row]
        known = self._began.get(row)
        if known is None:
            known = self._began[row] = _Began(outline.children(row))
        for message in self._shown.messages[known.seen : self._seen]:
            at = outline.first_row.get(message.node, -1)
            if row < at < end:
                place = known.place[outline.member_with(row, at)]
                if not known.steps[place]:
                    known.steps[place] = message.step
                    known.norms[place] = magnitude(message.received[0]) if message.received else None
        known.seen = self._seen
        return [norm if began <= step else None for began, norm in zip(known.steps, known.norms)]

    def _runs_of(self, row: int) -> array[int]:
        runs = self._runs.get(row)
        if runs is None:
            below = self._ran[row + 1 : self._outline.end[row]]
            runs = self._runs[row] = array("i", sorted([step for step in below if step]))
        return runs
