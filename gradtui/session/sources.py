"""Opens what a picture is made of: a program or a recording, as a trace and a position in it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gradtui.session.errors import BadInput
from gradtui.session.knobs import check_settings
from gradtui.session.programs import open_program
from gradtui.session.run import Run
from gradtui.session.session import Plan
from gradtui.trace import Trace
from gradtui.trace.cursor import Cursor, edge, parse
from gradtui.wire.recording import MAGIC, read_recording

PATIENCE = 1.0
"""Seconds after which a terminal is told what takes so long."""


@dataclass(frozen=True)
class Wanted:
    """A position as it was asked for: the text, and the pass that it lies in."""

    text: str | None
    number: int | None
    """None: wherever the run ends."""

    @classmethod
    def read(cls, text: str | None) -> Wanted:
        """Raises `BadInput` for what is no position."""
        if text is None:
            return cls(None, 1)
        text = text.strip()
        if text in ("end", "$"):
            return cls(text, None)
        number, colon, step = text.rpartition(":")
        if (number.isdecimal() if colon else True) and (step.isdecimal() or (colon and step in ("", "end"))):
            if colon and not int(number):
                raise BadInput(f"--at {text}: passes count from 1")
            return cls(text, int(number) if colon else 1)
        raise BadInput(
            f"--at {text}: no position. Write 7 (step 7 of pass 1), 2:7 (of pass 2), 2:end (its end), or end"
        )

    def reached(self, trace: Trace) -> bool:
        """Has the program come far enough? A pass is waited for until it ends."""
        pass_ = None if self.number is None else trace.pass_numbered(self.number)
        return pass_ is not None and pass_.ended is not None

    def cursor(self, trace: Trace, source: str) -> Cursor:
        """The position in a trace that has reached it. Raises `BadInput` where there is none."""
        if not trace.passes:
            raise BadInput(f"{source} has no backward pass to show{_why(trace)}")
        if self.number is None:
            return edge(trace)
        pass_ = trace.pass_numbered(self.number)
        if self.text is None or (self.text.endswith(":end") and pass_ is not None):
            pass_ = pass_ or trace.passes[0]
            return Cursor(pass_.number, len(pass_.messages))
        if pass_ is None:
            has = "1 pass" if len(trace.passes) == 1 else f"{len(trace.passes)} passes"
            raise BadInput(
                f"--at {self.text}: there is no pass {self.number}; {source} has {has}{_why(trace)}"
            )
        try:
            return parse(trace, self.text, Cursor(self.number))
        except ValueError:
            steps = len(pass_.messages)
            has = "1 step" if steps == 1 else f"{steps} steps"
            raise BadInput(f"--at {self.text}: pass {self.number} of {source} has {has}") from None


def trace_at(
    source: str, at: str | None, settings: Mapping[str, str], twin: bool = False
) -> tuple[Trace, Cursor]:
    """The trace of a program, a lesson or a recording, and the position `at` in it.

    `at` is `7` (of the first pass), `2:7`, `2:end` or `end` (of the run); None is the end of the first
    pass. A program runs until the pass in question has ended and is then ended itself; only for `end`
    it runs to its own. `twin`: build torch's side of a scalar program too.

    Raises `BadInput` for a source or a position that does not exist, `BadRecording` for a damaged file.
    """
    wanted = Wanted.read(at)
    if is_recording(source):
        if settings:
            raise BadInput(f"--set: {source} is a recording; knobs can be set for a program only")
        trace = Trace.of(read_recording(Path(source)))
    else:
        trace = _run(source, wanted, settings, twin)
    return trace, wanted.cursor(trace, source)


def is_recording(source: str) -> bool:
    """Does the file begin as a recording does, whatever its name is?"""
    path = Path(source)
    try:
        if not path.is_file():  # a pipe or a device is not touched
            return False
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except (OSError, ValueError):
        return False


def _run(source: str, wanted: Wanted, settings: Mapping[str, str], twin: bool) -> Trace:
    if os.path.isfile(source) and Path(source).suffix not in (".py", ".pyw", ""):
        raise BadInput(
            f"{source} is neither a Python program nor a recording; "
            "`gradtui run --out FILE PROGRAM` makes a recording"
        )
    program = open_program(source)
    check_settings(program.knobs, settings)
    run = Run(program, Plan(program.path, knobs=settings, twin=twin, name=program.name))
    report = _Report(program.path.name)
    try:
        while run.session.exited is None and not wanted.reached(run.trace):
            run.pump(0.05)
            if run.stopped:
                run.go("pass" if wanted.number is not None else "end")
            report.show(run.trace)
        return run.trace
    finally:
        report.clear()
        run.close()


def _why(trace: Trace) -> str:
    """How the program ended, where it did not end well."""
    return f": {trace.exited.error}" if trace.exited is not None and trace.exited.error else ""


class _Report:
    """One line on a terminal's stderr, once it takes long."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._next = time.monotonic() + PATIENCE
        self._shown = ""

    def show(self, trace: Trace) -> None:
        """Say where the program is, a few times a second."""
        if time.monotonic() < self._next or not sys.stderr.isatty():
            return
        self._next = time.monotonic() + 0.25
        text = trace.progress or (f"pass {trace.passes.begun}" if trace.passes else "no pass yet")
        if trace.passes and not trace.progress:
            text += f", step {len(trace.passes[-1].messages)}"
        self._write(f"{self._name}: {text}"[:78])

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            self._write("")
            print(end="\r", file=sys.stderr, flush=True)

    def _write(self, text: str) -> None:
        print(f"\r{text:{len(self._shown)}}", end="", file=sys.stderr, flush=True)
        self._shown = text
