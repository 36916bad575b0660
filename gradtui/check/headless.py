"""Runs a program, or reads a recording, to its end and prints what happened."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import TextIO

from gradtui.check import jsonlines, text
from gradtui.session.session import Plan, Session
from gradtui.trace import Trace
from gradtui.wire.messages import Event, Exited, Output

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(plan: Plan, as_json: bool, out: TextIO) -> int:
    """Run the program; returns the exit code that ours shall be. Signals we get are passed on to it."""
    session = Session(plan)

    def pass_on(number: int, _: FrameType | None) -> None:
        session.signal(number)

    before = {number: signal.signal(number, pass_on) for number in _PASSED_ON}
    try:
        code = show(_events(session), as_json, out)
    finally:
        session.close()
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 - code if code < 0 else code


def _events(session: Session) -> Iterator[Event]:
    while session.exited is None:
        yield from session.pump(timeout=0.05)


def show(events: Iterator[Event], as_json: bool, out: TextIO) -> int:
    """Print a stream as it comes; returns the program's exit status."""
    trace = Trace()
    code = 0
    for event in events:
        findings = trace.fold(event)
        if isinstance(event, Output) and not as_json:
            _pass_through(event, out)
        lines = (jsonlines if as_json else text).lines_of(trace, event, findings)
        for line in lines:
            out.write(line + "\n")
        if isinstance(event, Exited):
            code = event.code
    try:
        out.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _pass_through(event: Output, out: TextIO) -> None:
    """The program's own output goes where it would have gone."""
    if event.stream == "stderr":
        out.flush()
        sys.stderr.write(event.text)
        sys.stderr.flush()
    else:
        out.write(event.text)
