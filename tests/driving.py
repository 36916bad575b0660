"""A program driven through a session, and the processes that it leaves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from running import PATIENCE, PROGRAMS

from gradtui.session.session import Plan, Session
from gradtui.wire.messages import (
    Event,
    Exited,
    Output,
    Stopped,
)


class Driven:
    """A session and everything it has said."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.events: list[Event] = []

    def until(self, met: Callable[[], object], timeout: float = 0.2) -> None:
        """Pump until the condition is met."""
        deadline = time.monotonic() + PATIENCE
        while not met():
            assert time.monotonic() < deadline, self.events[-5:]
            self.events += self.session.pump(timeout)

    def stop(self) -> Stopped:
        """The next stop."""
        self.until(lambda: self.session.stopped or self.session.exited)
        assert self.session.stopped is not None, self.session.exited
        return self.session.stopped

    def go(self, until: str) -> tuple[str, int, int]:
        """Go on to the next stop: its reason, pass and step."""
        self.session.go(until)  # type: ignore[arg-type]
        stop = self.stop()
        return stop.reason, stop.number, stop.step

    def end(self) -> Exited:
        """The last event."""
        self.until(lambda: self.session.exited)
        assert isinstance(self.events[-1], Exited)
        return self.events[-1]

    def of(self, kind: type) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def printed(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, Output))


@contextmanager
def driven(program: str, *argv: str, stop: bool = False, **plan: object) -> Iterator[Driven]:
    """A program started and, at the end, gone."""
    session = Session(Plan(PROGRAMS / program, argv, stop=stop, twin=False, **plan))  # type: ignore[arg-type]
    pid = session._process.pid
    try:
        yield Driven(session)
    finally:
        session.close()
    deadline = time.monotonic() + PATIENCE
    while group(pid):  # what was killed takes a moment to die
        assert time.monotonic() < deadline, group(pid)


def group(pid: int) -> list[int]:
    """Processes of a group that are alive (what is dead but not buried does not count)."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            state, _, in_group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if int(in_group) == pid and state not in "ZX":
            found.append(int(entry.name))
    return found
