"""Holds back the program's signals for the moments in which a pass is announced and accounted for.

A signal handler of the program's runs between any two lines, and what it raises (`KeyboardInterrupt`)
would leave a pass that has begun for the debugger and never ends. Held back for some microseconds, it
is delivered as soon as the program's own code goes on. Costs two system calls each time.
"""

from __future__ import annotations

import signal
import threading

_ALL = signal.valid_signals() - {
    signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL,
    signal.SIGABRT, signal.SIGTRAP,
}  # fmt: skip


class Held:
    """The signals of one thread: held back from `take` to `release`. Handlers run in the main thread only."""

    def __init__(self) -> None:
        self._before: set[signal.Signals] | None = None
        self._main = threading.current_thread() is threading.main_thread()

    def take(self) -> None:
        """Hold them back, if they are not."""
        if self._main and self._before is None:
            self._before = signal.pthread_sigmask(signal.SIG_BLOCK, _ALL)  # type: ignore[assignment]

    def release(self) -> None:
        """Let them through: a handler may run, and raise, here."""
        before, self._before = self._before, None
        if before is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
