"""What the watched expressions gave, stop by stop; kept for the newest stops."""

from __future__ import annotations

from bisect import bisect_right

from gradtui.wire.messages import Watched

KEPT = 10_000
"""Stops whose values are kept."""


class WatchLog:
    """In the order of arrival; of two at one place the newer holds. Written by `Trace.fold` only."""

    def __init__(self) -> None:
        self._places: list[int] = []
        self._events: list[Watched] = []

    def add(self, event: Watched, place: int) -> None:
        """The values at a stop."""
        while self._places and self._places[-1] >= place:
            self._places.pop()
            self._events.pop()
        self._places.append(place)
        self._events.append(event)
        if len(self._places) > 2 * KEPT:
            del self._places[:KEPT], self._events[:KEPT]

    def at(self, place: int) -> Watched | None:
        """What was told at the last stop up to a place; None before any."""
        at = bisect_right(self._places, place)
        return self._events[at - 1] if at else None
