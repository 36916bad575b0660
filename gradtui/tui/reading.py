"""Reads a recording on while the screen shows what has been read: in slices, between the keys."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable

from gradtui.session.opening import Opening
from gradtui.tui.feed import SLICE

RATE = 5
"""Repaints a second meanwhile."""


class Reading:
    """Calls `changed` now and then, and when all is read."""

    def __init__(self, opening: Opening, changed: Callable[[], None]) -> None:
        self.opening = opening
        self._changed = changed
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told = 0.0

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to read."""
        self._loop = loop
        gc.disable()  # it would look through all that is read again and again, and none of that is garbage
        loop.call_soon(self._on)

    def stop(self) -> None:
        """Read no more. What was read stays: no key waits for the collector because of it."""
        if self._loop is not None:
            self._loop = None
            gc.freeze()
            gc.enable()

    def _on(self) -> None:
        if self._loop is None:
            return
        self.opening.read(SLICE)
        if self.opening.done:
            self.stop()
        else:
            self._loop.call_soon(self._on)
        if self.opening.done or time.monotonic() > self._told + 1 / RATE:
            self._told = time.monotonic()
            self._changed()
