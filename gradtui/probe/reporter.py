"""The probe's one mouth: numbers passes and nodes, sends messages in order.

Every watcher reports through the one `Reporter`. A pass holds no lock of it while the program's own
code runs; a stop blocks the thread it happens in and makes other threads' passes wait their turn.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gradtui.probe.expressions import message_of as message_of
from gradtui.probe.faults import is_ours
from gradtui.probe.places import Places
from gradtui.probe.stops import Stops
from gradtui.wire.channel import Closed, Outlet
from gradtui.wire.messages import (
    Event,
    Explained,
    Notice,
    Output,
    PassBegan,
    PassEnded,
    Progress,
    Stepped,
)

LONGEST = 200
"""Characters of what a fault of ours is told in."""


def _nothing() -> None:
    """No output of the program passes through us."""


_own = threading.local()  # of the thread, not of one reporter: recordings may lie inside each other


class Reporter:
    """Counts and sends. `enabled` turns False in forked children and when the debugger is gone."""

    def __init__(self, outlet: Outlet, places: Places, stop: bool) -> None:
        self.places = places
        self.enabled = True
        self.passes = 0
        self.steps = 0
        self.unwatched = 0
        """Passes since the watching was interrupted."""
        self._outlet = outlet
        self._nodes = 0
        self.lock = threading.RLock()
        """Held while something is sent, and for as long as the program stands."""
        self._faults: set[str] = set()
        self.flush_output: Callable[[], None] = _nothing
        """Called before a pass or a stop is reported, so that output keeps its place."""
        self.on_abandon: Callable[[], object] = _nothing
        """Called in a forked child."""
        self.stops = Stops(self, outlet, stop)
        """Whether the program stops, and what it is told while it stands."""

    @property
    def muted(self) -> bool:
        """Is this thread running a pass of our own (the twin's), which nobody shall see?"""
        return getattr(_own, "busy", False)

    @contextmanager
    def mute(self) -> Iterator[None]:
        """What this thread does meanwhile is ours, not the program's."""
        before, _own.busy = self.muted, True
        try:
            yield
        finally:
            _own.busy = before

    # ------------------------------------------------------------------ ids

    def new_node(self) -> int:
        """A fresh node id."""
        with self.lock:
            self._nodes += 1
            return self._nodes

    def new_pass(self) -> int:
        """The number of the pass that begins now."""
        with self.lock:
            self.passes += 1
            return self.passes

    def abandon(self) -> None:
        """Forget the debugger (in a forked child, where the lock may be another thread's)."""
        self.enabled = False
        self.on_abandon()
        self.lock = threading.RLock()
        self._outlet.close()

    # -------------------------------------------------------------- sending

    def send(self, event: Event) -> None:
        """Send one event, with the files and stacks it names announced before it."""
        with self.lock:
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

    def explain(self, told: Explained) -> None:
        """Tell why something went wrong."""
        for stack in (told.culprit, told.source, *(part for part in told.message if isinstance(part, int))):
            self.places.use(stack)
        self.send(told)

    def fault(self, error: Exception, doing: str = "watch a pass") -> None:
        """Something was raised while we worked inside the program: a fault of ours becomes one notice.

        What the program raised itself meanwhile (its signal handler ran) is raised again.
        """
        if not is_ours(error, self.places.of_engine):
            raise error
        what = message_of(error).splitlines()[0][:LONGEST]
        if what not in self._faults:
            self._faults.add(what)
            self.notice(f"gradtui could not {doing}: {what}")

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
        with self.lock:
            self.steps += 1
            self.send(event)

    def ended(self, event: PassEnded) -> None:
        """A pass has ended."""
        self.send(event)
