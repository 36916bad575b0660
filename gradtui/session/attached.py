"""A program that was not started by us but has called `gradtui.breakpoint()`.

It is at the other end of an inherited descriptor. It is never ended from here, and no signal is sent to
it: letting it go is closing our end.
"""

from __future__ import annotations

import codecs
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from gradtui.session import remembered
from gradtui.session.breakpoints import Breakpoints
from gradtui.session.errors import BadInput
from gradtui.session.incoming import Incoming
from gradtui.session.process import Started
from gradtui.session.programs import Program
from gradtui.session.run import Run
from gradtui.session.scenarios import Scenario
from gradtui.session.session import Plan, Session
from gradtui.wire.held import PIECE, print_on
from gradtui.wire.messages import Begin, Command, Event, Output

BREATH = 0.05
"""Seconds between looks at what a program prints that has not noticed yet that it was let go."""


class _Peer:
    """Stands where a process of ours would stand: it has ended when its end of the stream is closed."""

    terminal = None
    stdout = stderr = None

    def __init__(self, descriptor: int) -> None:
        self.socket = socket.socket(fileno=descriptor)
        self.process = self

    @property
    def pid(self) -> int:
        raise ProcessLookupError("a program that was not started by us is not ours to end")

    def incoming(self) -> Incoming:
        """What it sends."""
        return Incoming(self.socket.fileno(), {}, by_terminal=False)

    def poll(self) -> int | None:
        """0 once it has closed its end; how it ends otherwise is not known here."""
        try:
            return None if self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) else 0
        except BlockingIOError:
            return None
        except OSError:
            return 0

    def wait(self, timeout: float | None = None) -> int:  # noqa: ARG002
        """It is over where this is asked."""
        return 0

    def release(self) -> None:
        self.socket.close()


class AttachedSession(Session):
    """The session over such a program. What it prints while the screen is shown is read from a file."""

    def __init__(self, plan: Plan, descriptor: int, held: Sequence[tuple[int, int]]) -> None:
        """`held`: the files, each with the descriptor to which the text in it goes in the end."""
        self._parent = os.getppid()
        self._held = held
        self._read_until = [0 for _ in held]
        self._decoders = [codecs.getincrementaldecoder("utf-8")("replace") for _ in held]
        super().__init__(plan, cast(Started, _Peer(descriptor)))

    @property
    def waits(self) -> bool:
        """Does the program, which is at its end, wait for us? Else it has died."""
        return os.getppid() == self._parent

    def pump(self, timeout: float = 0.0) -> list[Event]:
        """What has arrived, and what was printed meanwhile."""
        printed = self._printed() if self.exited is None else []
        return [*printed, *super().pump(timeout)]

    def _printed(self) -> list[Event]:
        events: list[Event] = []
        for i, (source, _) in enumerate(self._held):
            data = os.pread(source, PIECE, self._read_until[i])
            self._read_until[i] += len(data)
            if text := self._decoders[i].decode(data):
                events.append(Output("stdout", text))
        return events

    def _command(self, command: Command) -> None:
        if not isinstance(command, Begin):  # it has begun by itself
            super()._command(command)

    def interrupt(self) -> bool:
        """The program alone: its group is ours too."""
        if self.exited is not None or not self.waits:
            return False
        os.kill(self._parent, signal.SIGINT)
        return True

    def kill(self) -> None:
        """Let it go on without us."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it is gone

    def close(self) -> None:
        """The same; returns when the program has taken notice. Until then we print what it prints."""
        self.kill()
        while self.exited is None:
            self.pump(BREATH)
            for source, target in self._held:
                print_on(source, target)


class AttachedRun(Run):
    """A run that cannot be started again from here."""

    def __init__(self, name: str, descriptor: int, held: Sequence[tuple[int, int]]) -> None:
        path = Path(name)
        program = Program(path, "", path.name, (), (), name, "", Scenario(), "")
        points = Breakpoints()
        kept, told = remembered.load(path)
        points.add_all(kept)
        plan = Plan(path, stop=False, breakpoints=tuple(points.points), told=tuple(told))
        self.attached = AttachedSession(plan, descriptor, held)
        super().__init__(program, plan, self.attached)

    def wait(self) -> bool:
        """Until it stands; False when it has ended instead."""
        while not self.stopped and self.session.exited is None:
            self.pump(60)
        return self.stopped

    def restart(
        self,
        settings: Mapping[str, str] | None = None,  # noqa: ARG002
        inputs: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> None:
        """Raises `BadInput`."""
        raise BadInput(f"{self.program.title} was started without gradtui; `gradtui run` can run it again")
