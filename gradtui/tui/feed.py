"""Brings the stream to the screen without a thread: the event loop says when there is something to read.

Reading and folding happen in slices, so that a program that streams as fast as it can never makes a
key wait; the screen is told at most `RATE` times a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from gradtui.session.run import Run

SLICE = 0.008
"""Seconds of folding before keys get their turn."""
RATE = 30
"""Repaints a second while messages pour in."""
IDLE = 0.1
"""Seconds between looks at whether the program has ended."""


class Feed:
    """Pumps a run from the event loop and calls `changed` when something came."""

    def __init__(self, run: Run, changed: Callable[[], None]) -> None:
        self._run = run
        self._changed = changed
        self._watched: set[int] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._telling: asyncio.TimerHandle | None = None
        self._told = 0.0
        self._reading = False
        """Did the program wait for a line when it was looked at last?"""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to listen."""
        self._loop = loop
        self._pump()

    def stop(self) -> None:
        """Listen no more."""
        if self._loop is None:
            return
        for descriptor in self._watched:
            self._loop.remove_reader(descriptor)
        self._watched.clear()
        for handle in (self._timer, self._telling):
            if handle is not None:
                handle.cancel()
        self._loop = None

    def _pump(self) -> None:
        if self._loop is None:
            return
        until = time.monotonic() + SLICE
        came = False
        while self._run.session.exited is None:
            events = self._run.pump()
            came = came or bool(events)
            if not events or time.monotonic() > until:
                break
        self._watch()
        reading = not came and self._run.session.reading
        if came or reading != self._reading:
            self._tell()
        self._reading = reading
        if self._timer is not None:
            self._timer.cancel()
        if self._run.session.exited is None:
            self._timer = self._loop.call_later(IDLE, self._pump)

    def _watch(self) -> None:
        """Watch what the session reads from now; it closes descriptors as they end."""
        assert self._loop is not None
        session = self._run.session
        wanted = set() if session.exited is not None else set(session.descriptors())
        for descriptor in self._watched - wanted:
            self._loop.remove_reader(descriptor)
        for descriptor in wanted - self._watched:
            self._loop.add_reader(descriptor, self._pump)
        self._watched = wanted

    def _tell(self) -> None:
        """Tell the screen: at once when it has been quiet or the program stands, else when its turn comes."""
        assert self._loop is not None
        wait = max(0.0, self._told + 1 / RATE - time.monotonic())
        if self._run.stopped or self._run.session.exited is not None:
            wait = 0.0
        if self._telling is not None:
            if wait:
                return
            self._telling.cancel()
        self._telling = self._loop.call_later(wait, self._tell_now)

    def _tell_now(self) -> None:
        self._telling = None
        self._told = time.monotonic()
        self._changed()
