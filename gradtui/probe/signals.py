"""Holds back the program's signal handlers for the moments in which a pass is announced and accounted for.

A handler of the program's runs between any two lines of the main thread, and what it raises
(`KeyboardInterrupt`) would leave a pass that has begun for the debugger and never ends. A blocked signal
would go to another thread, of which torch has some, and its handler still run in this one: so each
handler written in Python has a stand-in meanwhile, which notes the signal. It is raised again as soon as
the program's own code goes on.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` without the enumerations: called for every number
import signal
import threading
from collections.abc import Callable
from types import FrameType

_NUMBERS = sorted(int(number) for number in signal.valid_signals())

Handler = Callable[[int, FrameType | None], object]


class Held:
    """The handlers of the process, held back from `take` to `release`. They run in the main thread only."""

    def __init__(self) -> None:
        self._main = threading.get_ident() == threading.main_thread().ident
        self._replaced: dict[int, Handler] = {}
        self._noted: list[int] = []

    def take(self) -> None:
        """Hold them back, those that are not. One that was on its way may run, and raise, here."""
        for number in _NUMBERS if self._main else ():
            handler = _signal.getsignal(number)
            if callable(handler) and getattr(handler, "__self__", None) is not self:
                self._replaced[number] = handler
                _signal.signal(number, self._note)

    def _note(self, number: int, _: FrameType | None) -> None:
        if number not in self._noted:
            self._noted.append(number)

    def release(self) -> None:
        """Let them through: a handler may run, and raise, here. Raised or not, all are back then."""
        try:
            for number, handler in list(self._replaced.items()):
                _signal.signal(number, handler)
                del self._replaced[number]
            while self._noted:
                signal.raise_signal(self._noted.pop(0))
        finally:
            if self._replaced or self._noted:
                self.release()
