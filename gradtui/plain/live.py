"""Listens to the running program and says what comes: its output, findings, notices, its end."""

from __future__ import annotations

import time
from collections.abc import Callable

from gradtui.plain import words
from gradtui.session.run import Run
from gradtui.trace import Finding
from gradtui.trace.stops import why
from gradtui.wire.messages import Event, Exited, Notice, Output, Stopped, Traced, Zeroed

Say = Callable[[str], None]
QUIET = 1.0
"""Seconds of waiting after which a person at a terminal is told what the program is busy with."""
BATCHES = 50
"""Batches read at most before a command: a program that prints for ever must not hold up the prompt."""


class Printed:
    """The program's output in whole lines: `| text`, and `stderr | text`.

    A carriage return rewrites its line, as on a terminal: of a progress bar the last state is said.
    """

    def __init__(self, say: Say) -> None:
        self._say = say
        self._open: dict[str, str] = {}

    def add(self, event: Output) -> None:
        """Say the lines that are whole now."""
        for other in [stream for stream in self._open if stream != event.stream]:
            self._line(other, self._open.pop(other))
        *lines, rest = (self._open.pop(event.stream, "") + event.text).split("\n")
        for line in lines:
            self._line(event.stream, line)
        if rest:
            self._open[event.stream] = rest

    def finish(self) -> None:
        """Say what has no newline yet."""
        for stream, text in self._open.items():
            self._line(stream, text)
        self._open.clear()

    def _line(self, stream: str, text: str) -> None:
        shown = text.rstrip("\r").rpartition("\r")[2]
        prefix = "| " if stream == "stdout" else "stderr | "
        self._say((prefix + shown).rstrip())


class Listener:
    """Reads what the program sends, folds it into the trace and says it."""

    def __init__(self, run: Run, say: Say, interrupted: Callable[[], bool], interactive: bool) -> None:
        self._run = run
        self._say = say
        self._interrupted = interrupted
        self._interactive = interactive
        self._printed = Printed(say)
        self._zeroed = 0

    def wait(self, hold: bool = False) -> list[Finding]:
        """Until the program stops or ends, or the person interrupts.

        With `hold`, returns the findings of that time unsaid: the caller says them, in their place.
        """
        session, since = self._run.session, time.monotonic()
        held: list[Finding] = []
        told: str | None = None
        while session.stopped is None and session.exited is None and not self._interrupted():
            self._read(0.1, held if hold else None)
            progress = self._run.trace.progress
            if self._interactive and progress != told and time.monotonic() - since > QUIET:
                told = progress
                self._say(f"busy: {progress}" if progress else "busy: the program runs")
        self._printed.finish()
        return held

    def catch_up(self) -> None:
        """Say what has arrived in the meantime, without waiting."""
        for _ in range(BATCHES):
            if not self._read(0.0):
                break
        self._printed.finish()

    def wait_zeroed(self) -> None:
        """Until the program, which is stopped, has zeroed its gradients, or stands no more."""
        zeroed = self._zeroed
        while self._zeroed == zeroed and self._run.stopped and not self._interrupted():
            self._read(0.1)

    def wait_for(self, *kinds: type[Event]) -> Event | None:
        """Until the program, which is stopped, has sent one of these; None where it stands no more."""
        while self._run.stopped and not self._interrupted():
            for event in self._read(0.1):
                if isinstance(event, kinds):
                    return event
        return None

    def _read(self, timeout: float, held: list[Finding] | None = None) -> list[Event]:
        """Read once, and say it; findings go to `held` where there is one. Returns what came."""
        events = self._run.session.pump(timeout)
        for event in events:
            new = self._run.trace.fold(event)
            self._tell(event)
            if held is not None:
                held += new
                continue
            for finding in new:
                for line in words.finding(finding):
                    self._say(line)
        return events

    def _tell(self, event: Event) -> None:
        match event:
            case Output():
                self._printed.add(event)
            case Zeroed():
                self._zeroed += 1
                self._say(words.zeroed(self._run.trace, event))
            case Stopped() if event.hits or event.reason in ("pause", "exception"):
                self._say(why(event))
            case Traced():
                self._say(f"tracepoint {event.breakpoint} at {event.number}:{event.step}: {event.text}")
            case Notice():
                self._say(f"notice: {event.message}")
            case Exited():
                self._printed.finish()
                for line in words.farewell(self._run.trace, event):
                    self._say(line)
