"""Runs a program, or reads a recording, to its end and prints what happened as it happens."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from types import FrameType
from typing import Any, TextIO

from gradtui.check import jsonlines, text
from gradtui.session.session import Plan, Session
from gradtui.trace import Finding, Trace
from gradtui.trace.keep import PASSING
from gradtui.wire.messages import Event, Exited, Output

TOGETHER = 500
"""Messages of a recording that are printed before what was printed is handed on."""


def run(plan: Plan, as_json: bool, out: TextIO) -> int:
    """Run the program; returns the exit code that ours shall be. Signals we get are passed on to it."""
    with PassedOn() as signals:
        session = Session(plan)
        signals.to(session)
        try:
            code = show(_batches(session), as_json, out)
        finally:
            session.close()
    return 128 - code if code < 0 else code


def _batches(session: Session) -> Iterator[list[Event]]:
    while session.exited is None:
        yield session.pump(timeout=0.05)
        if session.stopped is not None:  # a breakpoint, which has been printed
            session.go("end")


def show_recording(events: Iterator[Event], as_json: bool, out: TextIO) -> None:
    """Print a recording as it is read."""
    show(_batched(events), as_json, out)


def show(batches: Iterable[Sequence[Event]], as_json: bool, out: TextIO) -> int:
    """Print a stream, each batch as soon as it is there; returns the program's exit status."""
    trace = Trace(PASSING)
    printer: Printer = JsonPrinter(out) if as_json else TextPrinter(out)
    code = 0
    for batch in batches:
        for event in batch:
            printer.print(trace, event, trace.fold(event))
            if isinstance(event, Exited):
                code = event.code
        if batch:
            out.flush()
    return code


def _batched(events: Iterator[Event]) -> Iterator[list[Event]]:
    while batch := list(islice(events, TOGETHER)):
        yield batch


# -------------------------------------------------------------------- printers


class JsonPrinter:
    """The contract of docs/headless.md, and nothing else."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def print(self, trace: Trace, event: Event, findings: list[Finding]) -> None:
        """The lines of one event, just folded into `trace`."""
        for line in jsonlines.lines_of(trace, event, findings):
            self._out.write(line + "\n")


class TextPrinter:
    """Steps as text, between the program's own output, which goes where it would have gone."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._mid_line = False
        """Did the program leave the line open that our next one would go on?"""

    def print(self, trace: Trace, event: Event, findings: list[Finding]) -> None:
        """The lines of one event, just folded into `trace`."""
        if isinstance(event, Output):
            self._pass_through(event)
        for line in text.lines_of(trace, event, findings):
            self._out.write("\n" * self._mid_line + line + "\n")
            self._mid_line = False

    def _pass_through(self, event: Output) -> None:
        if event.stream == "stdout":
            self._out.write(event.text)
            self._mid_line = not event.text.endswith("\n")
        else:
            self._out.flush()
            sys.stderr.write(event.text)
            sys.stderr.flush()


Printer = JsonPrinter | TextPrinter


# --------------------------------------------------------------------- signals


class PassedOn:
    """Context manager: what asks us to end asks the program instead, and we end when it does.

    A signal that we were started to ignore (`nohup`) stays ignored. One that comes while the
    program is being started waits for it.
    """

    NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self._session: Session | None = None
        self._early: list[int] = []
        self._before: dict[int, Any] = {}

    def __enter__(self) -> PassedOn:
        for number in self.NUMBERS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._pass_on)
        return self

    def to(self, session: Session) -> None:
        """From now on to this program."""
        self._session = session
        for number in self._early:
            session.signal(number)

    def _pass_on(self, number: int, _: FrameType | None) -> None:
        if self._session is None:
            self._early.append(number)
        else:
            self._session.signal(number)

    def __exit__(self, *exc: object) -> None:
        for number, handler in reversed(self._before.items()):
            signal.signal(number, handler)
