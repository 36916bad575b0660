"""Positions (pass, step) in the order in which the program reached them, and where it was stopped.

By pass and step that order is not known: a pass may run inside a step of another, or beside it in
another thread. Each position has a place in the order, counted from 0; places of passes that were let
go are not given again.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Container

from gradtui.wire.messages import Stopped


class Arrivals:
    """The order, as runs of steps of one pass: mostly there is one run a pass."""

    def __init__(self) -> None:
        self._count = 0
        self._starts = array("q")
        """The place of each run's first position."""
        self._ends = array("q")
        """The place behind its last."""
        self._numbers = array("q")
        self._steps = array("q")

    def add(self, number: int, step: int) -> int:
        """The next position; returns its place in the order."""
        place = self._count
        self._count += 1
        if self._continues(number, step):
            self._ends[-1] = place + 1
            return place
        self._starts.append(place)
        self._ends.append(place + 1)
        self._numbers.append(number)
        self._steps.append(step)
        return place

    def _continues(self, number: int, step: int) -> bool:
        """Does the position belong to the last run? All were reached without a gap."""
        if not self._numbers or self._numbers[-1] != number or self._ends[-1] != self._count - 1:
            return False
        return step == self._steps[-1] + self._ends[-1] - self._starts[-1]

    def forget(self, gone: Container[int]) -> None:
        """Positions of these passes are no longer there."""
        kept = [i for i, number in enumerate(self._numbers) if number not in gone]
        self._starts, self._ends, self._numbers, self._steps = (
            array("q", [column[i] for i in kept])
            for column in (self._starts, self._ends, self._numbers, self._steps)
        )

    def __len__(self) -> int:
        """Positions that were ever reached."""
        return self._count

    @property
    def first(self) -> tuple[int, int] | None:
        """The first position that is still there."""
        return self._at(0, self._starts[0]) if self._numbers else None

    @property
    def last(self) -> tuple[int, int] | None:
        """The newest one."""
        return self._at(-1, self._ends[-1] - 1) if self._numbers else None

    def after(self, place: int) -> tuple[int, int] | None:
        """The position that was reached next; None at the newest."""
        run = bisect_right(self._starts, place) - 1
        if run >= 0 and place + 1 < self._ends[run]:
            return self._at(run, place + 1)
        return self._at(run + 1, self._starts[run + 1]) if run + 1 < len(self._starts) else None

    def before(self, place: int) -> tuple[int, int] | None:
        """The position that was reached just before; None at the first."""
        run = bisect_left(self._starts, place) - 1
        return self._at(run, min(place, self._ends[run]) - 1) if run >= 0 else None

    def _at(self, run: int, place: int) -> tuple[int, int]:
        return self._numbers[run], self._steps[run] + place - self._starts[run]


class Stops:
    """Where the program was stopped for something else than a single step."""

    def __init__(self) -> None:
        self.newest: Stopped | None = None
        """The last stop, also one for a single step."""
        self._count = 0
        self._places = array("q")
        self._numbers = array("q")
        self._steps = array("q")

    def add(self, event: Stopped, place: int) -> None:
        """The program is stopped at a place in the order of arrival."""
        self._count += 1
        self.newest = event
        if event.reason == "step" or (self._places and self._places[-1] == place):
            return
        at = bisect_right(self._places, place)
        for column, item in ((self._places, place), (self._numbers, event.number), (self._steps, event.step)):
            column.insert(at, item)

    def forget(self, gone: Container[int]) -> None:
        """Those in these passes are no longer there."""
        kept = [i for i, number in enumerate(self._numbers) if number not in gone]
        self._places, self._numbers, self._steps = (
            array("q", [column[i] for i in kept]) for column in (self._places, self._numbers, self._steps)
        )

    def __len__(self) -> int:
        """How often the program was stopped, for a single step or not."""
        return self._count

    def after(self, place: int) -> tuple[int, int] | None:
        """The next one behind a place in the order of arrival."""
        at = bisect_right(self._places, place)
        return (self._numbers[at], self._steps[at]) if at < len(self._places) else None

    def before(self, place: int) -> tuple[int, int] | None:
        """The last one before a place in the order of arrival."""
        at = bisect_left(self._places, place) - 1
        return (self._numbers[at], self._steps[at]) if at >= 0 else None
