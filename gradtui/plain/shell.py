"""Reads commands line by line and does them: over a started program, or over a recording.

A prompt stands only where a person types at a terminal. From a pipe or a file the commands are read
as they come, and their end is `quit`.
"""

from __future__ import annotations

import contextlib
import io
import signal
from pathlib import Path
from types import FrameType
from typing import TextIO

from gradtui.plain import commands
from gradtui.plain.commands import Command
from gradtui.plain.desk import Desk
from gradtui.plain.position import Position, Refused
from gradtui.session.errors import BadInput
from gradtui.session.programs import Program
from gradtui.session.recorded import lesson_in
from gradtui.session.run import Run
from gradtui.session.session import Plan
from gradtui.trace import Trace
from gradtui.views.state import State

PROMPT = "(gradtui) "


def run(program: Program, plan: Plan, stdin: TextIO | None, stdout: TextIO) -> int:
    """Step a program by commands. Returns its exit code once it has ended, 0 where it was left before."""
    with Signals() as signals:
        started = Run(program, plan)
        try:
            reader = Reader(stdin)
            position = Position(State(started.trace, plan.title))
            desk = Desk(stdout, position, started, signals.pressed, reader.interactive)
            desk.say(f"{plan.title}: {program.title}")
            if program.knobs:
                desk.say("knobs: " + "; ".join(knob.describe() for knob in program.knobs))
            signals.defer(True)
            desk.started()
            if signals.pressed() and not reader.interactive:
                return 128 + signal.SIGINT
            return _obey(desk, reader, signals)
        finally:
            started.close()


def show(trace: Trace, title: str, stdin: TextIO | None, stdout: TextIO) -> int:
    """The same over a recording. Returns 0."""
    with Signals() as signals:
        reader = Reader(stdin)
        name = Path(title).name
        lesson, hints = lesson_in(trace)
        position = Position(State(trace, name, recording=True, lesson=lesson, hints=hints))
        desk = Desk(stdout, position, None, signals.pressed, reader.interactive)
        position.move_to_start()
        desk.say(f"{name}: a recording of {trace.hello.program if trace.hello is not None else 'a program'}")
        desk.show()
        return _obey(desk, reader, signals)


# ------------------------------------------------------------------------- obeying


def _obey(desk: Desk, reader: Reader, signals: Signals) -> int:
    last: tuple[Command, str] | None = None
    while not desk.leaving:
        signals.defer(False)
        try:
            line = reader.read()
        except KeyboardInterrupt:
            if not reader.interactive:
                return 128 + signal.SIGINT
            desk.say("")
            continue
        signals.defer(True)
        if line is None:
            break
        last = _do(desk, line, last)
        if signals.pressed() and not reader.interactive:
            return 128 + signal.SIGINT
    return desk.exit_code


def _do(desk: Desk, line: str, last: tuple[Command, str] | None) -> tuple[Command, str] | None:
    """Do one line; returns what an empty line after it does."""
    desk.catch_up()
    word, rest = commands.split(line)
    try:
        if not word:
            if last is not None:
                last[0].do(desk, last[1])
        elif not word.startswith("#"):
            command = commands.find(word)
            last = (command, rest) if command.moves else last
            command.do(desk, rest)
    except (Refused, BadInput) as error:
        desk.say(f"error: {error}")
    desk.flush()
    return last


class Reader:
    """Lines from a person at a terminal, with a prompt and editing; or from a pipe or a file, without."""

    def __init__(self, stdin: TextIO | None) -> None:
        self._stdin = stdin
        self.interactive = stdin is not None and stdin.isatty()
        if isinstance(stdin, io.TextIOWrapper):
            stdin.reconfigure(errors="replace")
        if self.interactive:
            with contextlib.suppress(ImportError):  # not every Python has it; lines are read without editing
                import readline  # noqa: F401

    def read(self) -> str | None:
        """The next line; None at the end."""
        if self._stdin is None:
            return None
        if not self.interactive:
            return self._stdin.readline() or None
        try:
            return input(PROMPT)
        except EOFError:
            print()
            return None


class Signals:
    """Context manager: Ctrl-C and what asks us to end.

    While a command is done a Ctrl-C is only noted, so that nothing is read half; the command looks
    whether it was. At the prompt it raises `KeyboardInterrupt`. Others leave by `SystemExit`, which
    ends the program on its way out.
    """

    def __init__(self) -> None:
        self._deferred = False
        self._pressed = False
        self._before: list[tuple[int, object]] = []

    def __enter__(self) -> Signals:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # `nohup`
                handler = self._interrupt if number == signal.SIGINT else self._end
                self._before.append((number, signal.signal(number, handler)))
        return self

    def defer(self, deferred: bool) -> None:
        """From now on note a Ctrl-C, or let it raise. What was noted is forgotten."""
        self._pressed = False
        self._deferred = deferred

    def pressed(self) -> bool:
        """Was Ctrl-C pressed since?"""
        return self._pressed

    def _interrupt(self, _: int, __: FrameType | None) -> None:
        self._pressed = True
        if not self._deferred:
            raise KeyboardInterrupt

    def _end(self, number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    def __exit__(self, *exc: object) -> None:
        for number, handler in reversed(self._before):
            signal.signal(number, handler)  # type: ignore[arg-type]
