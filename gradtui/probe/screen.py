"""The program's end of the stream to a screen in its own terminal.

While the program stands, or runs on its way to the next stop, the screen has the terminal and output is
held. `Go("end")` gives the terminal back; unless breakpoints are armed, the watching then rests as soon as
no pass is under way. A debugger that is gone ends neither the program nor the pass.
"""

from __future__ import annotations

import os
import socket
import subprocess
import termios
from collections.abc import Callable
from contextlib import suppress

from gradtui.probe.holding import Holding
from gradtui.wire.channel import Channel, Closed
from gradtui.wire.messages import Break, Command, Event, Go, Notice, PassBegan, PassEnded, Stopped

PATIENCE = 10
"""Seconds in which a debugger that has let us go must have ended."""
RESET = (
    b"\x1b[?1049l\x1b[?25h\x1b[?7h\x1b[0m"  # the screen that was there, the cursor, wrapping, colours
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l"  # the mouse
    b"\x1b[?1004l\x1b[?2004l\x1b[?2048l\x1b[<u"  # focus, pasting, sizes, keys
)
"""What a screen that was killed has left undone in a terminal."""


class ScreenChannel(Channel):
    """Takes the terminal with each stop and gives it back; knows when the watching may rest."""

    def __init__(
        self,
        ours: socket.socket,
        terminal: int,
        holding: Holding,
        process: subprocess.Popen[bytes],
        rest: Callable[[bool], None],
    ) -> None:
        """`rest(over)`: stop watching; `over` for good."""
        super().__init__(ours.fileno())
        self._socket = ours
        self._terminal = terminal
        self._holding = holding
        self._process = process
        self._rest = rest
        self._modes: list[object] | None = None
        """Of the terminal as it was before the screen had it; None while the program has it."""
        self._open = 0
        """Passes under way."""
        self._resting = False
        """Shall the watching rest when none is?"""
        self._armed = False
        self._late = True
        """May a graph have been built before the watching began?"""
        self.gone = False
        """Has the person let the program go, or did the debugger die?"""

    @property
    def shown(self) -> bool:
        """Has the screen the terminal?"""
        return self._modes is not None

    def wanted(self) -> None:
        """The program asks for a stop."""
        self._resting, self._late = False, True

    # --------------------------------------------------------------- stream

    def send(self, event: Event) -> None:
        """Nothing is raised when the debugger is gone."""
        if isinstance(event, PassBegan):
            self._open += 1
        if not self.gone:
            try:
                self._send(event)
            except Closed:
                self.lost()
        if isinstance(event, PassEnded):
            self._open -= 1
            self._rest_if_idle()

    def _send(self, event: Event) -> None:
        if isinstance(event, PassBegan) and self._late:
            super().send(event)
            self._tell_of_lines(event)
        elif isinstance(event, Stopped):
            self._take()
            super().send(event)
        else:
            super().send(event)

    def waiting(self) -> bool:
        """Not once the debugger is gone."""
        return not self.gone and super().waiting()

    def receive(self) -> Command:
        """When the debugger is gone, the program goes on."""
        try:
            command: Command = Go("end") if self.gone else super().receive()
        except Closed:
            self.lost()
            command = Go("end")
        if isinstance(command, Break):
            self._armed = any(point.enabled for point in command.points)
        elif isinstance(command, Go) and command.until == "end" and not self.gone:
            self._give_back()
            self._resting = not self._armed
            self._rest_if_idle()
        return command

    def close(self) -> None:
        """In a forked child: the stream is the parent's."""
        self.gone = True
        self._socket.close()

    def _rest_if_idle(self) -> None:
        if self._resting and not self._open:
            self._resting = False
            self._rest(self.gone)

    def _tell_of_lines(self, began: PassBegan) -> None:
        inner = [node for node in began.nodes if not node.leaf]
        unknown = sum(node.stack is None for node in inner)
        self._late = unknown > 0
        if unknown:
            part = "This graph" if unknown == len(inner) else f"Part of this graph ({unknown} nodes)"
            told = (
                f"{part} was built before gradtui.breakpoint(): no source lines. Call it before the forward."
            )
            super().send(Notice(told, began.number))

    # ------------------------------------------------------------- terminal

    def _take(self) -> None:
        """The screen is about to have the terminal, or has it."""
        self._holding.hold()
        if self._modes is None:
            try:
                self._modes = termios.tcgetattr(self._terminal)
            except termios.error:  # it was hung up: there is nothing to see, nor to restore
                self._modes = []

    def _give_back(self) -> None:
        self._modes = None
        self._holding.release()

    def lost(self) -> None:
        """The debugger has left, or died: the terminal is as it was, and the watching is over."""
        if not self.gone:
            code = self._part(PATIENCE)
            if code:
                told = f"was killed by signal {-code}" if code < 0 else f"has failed (exit code {code})"
                with suppress(OSError):  # nobody may read it any more
                    os.write(2, f"gradtui: the debugger {told}; the program goes on without it\n".encode())
            self._resting = True
            self._rest_if_idle()

    def leave(self) -> None:
        """The program ends. A screen that is shown stays until the person has seen enough."""
        if not self.gone:
            self._part(None if self.shown else PATIENCE)

    def _part(self, patience: float | None) -> int:
        """End the stream, let the debugger end, and have the terminal back; returns its exit status."""
        self.gone = True
        try:
            self._socket.shutdown(socket.SHUT_RDWR)  # closing would not do: a forked child may have it too
        except OSError:
            pass  # the other end is closed
        self._socket.close()
        code = 0
        try:
            with suppress(subprocess.TimeoutExpired):
                code = self._process.wait(patience)
            if code and self._modes:
                self._reset(self._modes)
        finally:
            self._give_back()
        return code

    def _reset(self, modes: list[object]) -> None:
        """The terminal as it was before a screen that was killed. One that was hung up stays as it is."""
        with suppress(OSError, termios.error):
            os.write(self._terminal, RESET)
            termios.tcsetattr(self._terminal, termios.TCSADRAIN, modes)  # type: ignore[arg-type]
