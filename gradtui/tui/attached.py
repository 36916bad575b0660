"""The screen in the terminal of a program that has called `gradtui.breakpoint()`."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import replace

from gradtui.session.attached import AttachedRun
from gradtui.trace.cursor import Cursor
from gradtui.tui.app import DebuggerApp
from gradtui.tui.rerunning import state_of
from gradtui.wire.messages import Until

HELP = "c gives the terminal back until the next breakpoint(), q lets the program go for good."

AGAIN = 0.2
"""Seconds after which it is asked again whether a program at its end has died."""


class AttachedApp(DebuggerApp):
    """Shown while the program stands; `c` and `q` close it and leave the program alive."""

    def __init__(self, run: AttachedRun, look: str = "") -> None:
        """`look`: the theme that it had when it was shown before, '' for the first time."""
        stop = run.session.stopped
        assert stop is not None
        at = Cursor(stop.number, stop.step)
        super().__init__(replace(state_of(run), stopped=stop, cursor=at), run)
        self._attached = run
        self._look = look
        self._told = 0
        """Notices that have been shown."""
        self._over = False
        """Is it known that the program has come to its end?"""
        self._leaving = False
        """Has the person given the terminal back, while the program was still on its way to a stop?"""
        self.detached = False
        """Shall the program go on for good?"""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What would start the program again is not offered, nor what it is given to read."""
        return action not in ("knobs", "edit", "restart", "type") and super().check_action(action, parameters)

    def _begin(self) -> None:
        super()._begin()
        keep_out_of_the_way()  # Textual has its own wishes as it starts
        self.theme = self._look or self.theme
        self._tell()

    def go(self, until: Until, node: int = 0) -> None:
        """Going on to the end gives the terminal back first."""
        session = self._attached.session
        if until == "end":
            self._leaving, self.owed = True, []
            self._leave_if_it_stands()
        elif session.exited is not None:
            self.say("The program has ended. N goes back, q leaves.")
        else:
            super().go(until, node)

    def _leave_if_it_stands(self) -> None:
        if self._leaving and (self._attached.stopped or self._attached.session.exited is not None):
            self.deafen()
            self.exit()

    def _close(self) -> None:
        self.detached = True
        self.deafen()

    def _received(self) -> None:
        super()._received()
        self._tell()
        self._leave_if_it_stands()
        if self._attached.session.exited is not None and not self._over:
            self._over = True
            self._leave_if_it_died()

    def _leave_if_it_died(self) -> None:
        """Its stream ends a moment before the system gives us another parent: asked now and then."""
        if not self._attached.attached.waits:
            self._leave()
        else:
            self.set_timer(AGAIN, self._leave_if_it_died)

    def _tell(self) -> None:
        """Say what the program's side has to say, such as that this graph has no lines."""
        stop, notices = self._attached.session.stopped, self._attached.trace.notices
        news = [notice.message for notice in notices if stop is None or notice.number in (None, stop.number)]
        if not self._look:
            self._look = self.theme
            self.say("\n".join([HELP, *news]), timeout=8)
        elif len(news) > self._told:
            self.say("\n".join(news[self._told :]), timeout=8)
        self._told = len(news)


def serve(name: str, descriptor: int, held: Sequence[tuple[int, int]]) -> int:
    """Wait in the background for the program's stops, and show each, until it ends or is let go.

    Returns the exit code.
    """
    run = AttachedRun(name, descriptor, held)
    look = ""
    try:
        while run.wait():
            app = AttachedApp(run, look)
            app.run()
            look = app.theme
            keep_out_of_the_way()
            if app.detached or app.return_code:
                return app.return_code or 0
            run.go("end")
        return 0
    finally:
        run.close()


def keep_out_of_the_way() -> None:
    """The keys that make signals are meant for the program, and so is the terminal while we are not shown."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTOU, signal.SIGTTIN):
        signal.signal(number, signal.SIG_IGN)
