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
        time.sleep(0.01)


def group(pid: int) -> list[int]:
    """Processes of a group that are alive."""
    return [one for one, _, in_group in _alive() if in_group == pid]


def children(pid: int) -> list[int]:
    """Processes that a process has started and that are alive."""
    return [one for one, parent, _ in _alive() if parent == pid]


def only_child(pid: int) -> int:
    """The process that a process has started, once there is one."""
    deadline = time.monotonic() + PATIENCE
    while len(found := children(pid)) != 1:
        assert time.monotonic() < deadline, found
        time.sleep(0.01)
    return found[0]


def _alive() -> Iterator[tuple[int, int, int]]:
    """Each process, its parent and its group. What is dead but not buried is not alive."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, parent, in_group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if state not in "ZX":
            yield int(entry.name), int(parent), int(in_group)
