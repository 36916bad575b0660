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

from gradtui.probe.places import Places, of_probe
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
    Zero,
    Zeroed,
)

Reason = Literal["entry", "step", "pass", "pass end"]
ZeroGradients = Callable[[], Sequence[int]]
"""Clears gradients and returns the ids of the nodes that held one."""


def _nothing() -> None:
    """No output of the program passes through us."""


_LIBRARIES = ("torch", "numpy", "importlib")
"""Packages that we call into: what they raise then is a fault of ours."""
_own = threading.local()  # of the thread, not of one reporter: recordings may lie inside each other


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
        self._faults: set[str] = set()
        self.flush_output: Callable[[], None] = _nothing
        """Called before a pass or a stop is reported, so that output keeps its place."""

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

    def fault(self, error: Exception, doing: str = "watch a pass") -> None:
        """Something was raised while we worked inside the program: a fault of ours becomes one notice.

        What the program raised itself meanwhile (its signal handler ran) is raised again.
        """
        if self.of_program(error):
            raise error
        what = one_line(error)
        if what not in self._faults:
            self._faults.add(what)
            self.notice(f"gradtui could not {doing}: {what}")

    def of_program(self, error: BaseException) -> bool:
        """Was it raised in code of the program's that we did not ask for anything: a signal handler?

        An engine's own code, and a library that we call, run here because of us.
        """
        beyond: list[FrameType] = []  # what was called from our last frame, outermost first
        traceback = error.__traceback__
        while traceback is not None:
            beyond.append(traceback.tb_frame)
            if of_probe(traceback.tb_frame.f_code):
                beyond.clear()
            traceback = traceback.tb_next
        if not beyond or self.places.of_engine(beyond[-1].f_code):
            return False
        asked = str(beyond[0].f_globals.get("__name__")).partition(".")[0] in _LIBRARIES
        return self.places.is_user(beyond[-1].f_code) or not asked

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

    def ended(self, event: PassEnded) -> None:
        """A pass has ended."""
        self.send(event)

    # ------------------------------------------------------------- stopping

    @property
    def stopping(self) -> bool:
        """Will the program stop at the next node? Then richer numbers are worth their price."""
        return self._until != "end"

    def before_node(
        self, number: int, done: int, node: int, received: Sequence[Value | None], zero: ZeroGradients
    ) -> None:
        """Called before each node runs, with the steps `done` so far; blocks while the person looks.

        `zero` clears the gradients held by the nodes of the pass; it is called at the pass's start only.
        """
        if self._until == "step" or (self._until == "pass" and done == 0):
            reason: Reason = "step" if done else "entry" if number == 1 else "pass"
            self._stop(reason, number, done, node, tuple(received), None if done else zero)

    def after_pass(self, number: int, steps: int) -> None:
        """Called when a pass has been accounted for; stops there when the person steps."""
        if self._until == "step":
            self._stop("pass end", number, steps)

    def _stop(
        self,
        reason: Reason,
        number: int,
        step: int,
        node: int | None = None,
        received: tuple[Value | None, ...] = (),
        zero: ZeroGradients | None = None,
    ) -> None:
        self.flush_output()
        with self._lock:
            self.send(Stopped(reason, number, step, node, received))
            while self.enabled:
                try:
                    command = self._outlet.receive()
                except Closed:
                    self.enabled = False
                    raise Detached from None
                if isinstance(command, Go):
                    self._until = command.until
                    return
                if isinstance(command, Zero) and zero is not None:
                    self.send(Zeroed(number, tuple(zero())))

    # ---------------------------------------------------------------- places

    def use_stack(self, frame: FrameType) -> int | None:
        """The announced stack that ends in `frame`."""
        return self.places.use(self.places.stack(frame))


def one_line(error: BaseException) -> str:
    """An exception as `Type: message`."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # its `__str__` is the program's
        return type(error).__name__
