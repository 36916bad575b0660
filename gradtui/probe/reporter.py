"""The probe's one mouth: numbers passes and nodes, sends messages in order, stops the program.

Every watcher reports through the one `Reporter`. A pass holds no lock of it while the program's own
code runs; a stop blocks the thread it happens in and makes other threads' passes wait their turn.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Literal

from gradtui.probe.places import Places
from gradtui.wire.channel import Closed, Outlet
from gradtui.wire.messages import (
    Event,
    Go,
    Notice,
    Output,
    PassBegan,
    PassEnded,
    Progress,
    Stepped,
    Stopped,
    Value,
)

Reason = Literal["entry", "step", "pass", "pass end"]


def _nothing() -> None:
    """No output of the program passes through us."""


class Detached(BaseException):
    """The debugger is gone while the program stood at a stop: the program ends."""


class Reporter:
    """Counts, sends and stops. `enabled` turns False in forked children and when the debugger is gone."""

    def __init__(self, outlet: Outlet, places: Places, stop: bool) -> None:
        self.places = places
        self.enabled = True
        self.passes = 0
        self.steps = 0
        self._outlet = outlet
        self._until: Literal["step", "pass", "end"] = "step" if stop else "end"
        self._nodes = 0
        self._lock = threading.RLock()
        self._own = threading.local()
        self.flush_output: Callable[[], None] = _nothing
        """Called before a pass or a stop is reported, so that output keeps its place."""

    @property
    def muted(self) -> bool:
        """Is this thread running a pass of our own (the twin's), which nobody shall see?"""
        return getattr(self._own, "busy", False)

    @contextmanager
    def mute(self) -> Iterator[None]:
        """What this thread does meanwhile is ours, not the program's."""
        self._own.busy = True
        try:
            yield
        finally:
            self._own.busy = False

    # ------------------------------------------------------------------ ids

    def new_node(self) -> int:
        """A fresh node id."""
        with self._lock:
            self._nodes += 1
            return self._nodes

    def new_pass(self) -> int:
        """The number of the pass that begins now."""
        with self._lock:
            self.passes += 1
            return self.passes

    def abandon(self) -> None:
        """Forget the debugger (in a forked child, where the lock may be another thread's)."""
        self.enabled = False
        self._lock = threading.RLock()
        self._outlet.close()

    # -------------------------------------------------------------- sending

    def send(self, event: Event) -> None:
        """Send one event, with the files and stacks it names announced before it."""
        with self._lock:
            if not self.enabled:
                return
            try:
                for announcement in self.places.pending():
                    self._outlet.send(announcement)
                self._outlet.send(event)
            except Closed:
                self.enabled = False

    def notice(self, message: str, number: int | None = None) -> None:
        """Tell the person something that is no fault."""
        self.send(Notice(message, number))

    def progress(self, text: str) -> None:
        """Say what takes long, '' when it is over."""
        self.send(Progress(text))

    def output(self, event: Output) -> None:
        """The program printed something."""
        self.send(event)

    def began(self, event: PassBegan) -> None:
        """A pass begins."""
        self.flush_output()
        self.send(event)

    def stepped(self, event: Stepped) -> None:
        """A step has ended."""
        with self._lock:
            self.steps += 1
            self.send(event)

    def ended(self, event: PassEnded, steps: int) -> None:
        """A pass has ended; stops there when the person steps."""
        self.send(event)
        if self._until == "step":
            self._stop("pass end", event.number, steps)

    # ------------------------------------------------------------- stopping

    @property
    def stopping(self) -> bool:
        """Will the program stop at the next node? Then richer numbers are worth their price."""
        return self._until != "end"

    def before_node(self, number: int, done: int, node: int, received: Sequence[Value | None]) -> None:
        """Called before each node runs, with the steps `done` so far; blocks while the person looks."""
        if self._until == "step" or (self._until == "pass" and done == 0):
            reason: Reason = "step" if done else "entry" if number == 1 else "pass"
            self._stop(reason, number, done, node, tuple(received))

    def _stop(
        self,
        reason: Reason,
        number: int,
        step: int,
        node: int | None = None,
        received: tuple[Value | None, ...] = (),
    ) -> None:
        self.flush_output()
        with self._lock:
            self.send(Stopped(reason, number, step, node, received))
            if not self.enabled:
                return
            try:
                command = self._outlet.receive()
            except Closed:
                self.enabled = False
                raise Detached from None
            if isinstance(command, Go):
                self._until = command.until

    # ---------------------------------------------------------------- places

    def use_stack(self, frame: FrameType) -> int | None:
        """The announced stack that ends in `frame`."""
        return self.places.use(self.places.stack(frame))
