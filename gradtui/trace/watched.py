"""What the watched expressions gave, stop by stop; kept for the newest stops."""

from __future__ import annotations

from bisect import bisect_right

from gradtui.wire.messages import Seen, Watched

KEPT = 10_000
"""Stops whose values are kept."""


class WatchLog:
    """In the order of arrival; of two at one place the newer holds. Written by `Trace.fold` only."""

    def __init__(self) -> None:
        self._places: list[int] = []
        self._values: list[tuple[Seen, ...]] = []

    def add(self, event: Watched, place: int) -> None:
        """The values at a stop."""
        while self._places and self._places[-1] >= place:
            self._places.pop()
            self._values.pop()
        self._places.append(place)
        self._values.append(event.values)
        if len(self._places) > 2 * KEPT:
            del self._places[:KEPT], self._values[:KEPT]

    def at(self, place: int) -> tuple[Seen, ...]:
        """As of the last stop up to a place; () before any."""
        at = bisect_right(self._places, place)
        return self._values[at - 1] if at else ()
