"""What each command does. All take what was parsed and return an exit code."""

from __future__ import annotations

import argparse
import gc
import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from gradtui.cli import checks
from gradtui.session import remembered
from gradtui.session.breakpoints import Breakpoints
from gradtui.session.errors import BadInput
from gradtui.session.knobs import check_settings, parse_settings
from gradtui.session.programs import Program, lessons, open_module, open_program, programs_in
from gradtui.session.session import Plan
from gradtui.wire.messages import Breakpoint

AT_ONCE = 0.1
"""Seconds of reading before the screen opens over what a recording holds so far."""


def run_program(arguments: argparse.Namespace) -> int:
    """`gradtui run`."""
    checks.faces(arguments)
    program, argv = _program_of(arguments)
    checks.tell_of_late_options(program, argv)
    settings = parse_settings(arguments.set)
    check_settings(program.knobs, settings)
    kept, told = ([], []) if arguments.headless else remembered.load(program.path)
    plan = Plan(
        program.path,
        tuple(argv),
        settings,
        stop=not arguments.headless and not arguments.breakpoints,
        attended=not arguments.headless,
        light=bool(arguments.breakpoints) and not arguments.headless and not arguments.out,
        stats=arguments.stats or ("full" if arguments.json else "auto"),
        twin=not arguments.no_twin,
        record=checks.writable(arguments.out, program.path),
        stdin="inherit" if arguments.headless else "none" if arguments.plain else "terminal",
        name=program.name,
        module=program.module,
        breakpoints=_breakpoints([*kept, *arguments.breakpoints]),
        keep=checks.keep(arguments),
        told=tuple(told),
    )
    if arguments.headless:
        from gradtui.check import headless

        return headless.run(plan, arguments.json, sys.stdout)
    if arguments.plain:
        from gradtui.plain import shell

        return shell.run(program, plan, sys.stdin, sys.stdout)
    what = f"-m {program.module}" if program.module else arguments.program
    checks.terminal(f"gradtui run --headless {what}")
    return _screen_for(program, plan)


def _breakpoints(texts: Sequence[str]) -> tuple[Breakpoint, ...]:
    """Each once. Raises `BadInput`."""
    points = Breakpoints()
    points.add_all(dict.fromkeys(texts))
    return tuple(points.points)


def _program_of(arguments: argparse.Namespace) -> tuple[Program, list[str]]:
    """What to run, and its own arguments. Raises `BadInput` where nothing is named."""
    if arguments.module:
        module, *argv = arguments.module
        return open_module(module), argv
    if arguments.module is not None:
        raise BadInput("-m needs the name of a module: gradtui run -m MODULE [ARGS...]")
    if arguments.program is None:
        raise BadInput("the following arguments are required: PROGRAM, or -m MODULE")
    return open_program(arguments.program), arguments.argv


def _screen_for(program: Program, plan: Plan) -> int:
    """The program starts first: it gets going while the screen is loaded."""
    from gradtui.session.run import Run
    from gradtui.tui.arrangement import output_columns

    run = Run(program, replace(plan, columns=output_columns(*os.get_terminal_size(sys.stdout.fileno()))))
    try:
        with _growing():
            from gradtui.tui.app import DebuggerApp

        app = DebuggerApp.over_run(run)
        app.run()
    finally:
        run.close()
    return app.return_code or 0


def _pick(listed: Sequence[Program | BadInput]) -> int:
    """A list to open programs from, one after the other."""
    from gradtui.session.run import Run
    from gradtui.tui.app import DebuggerApp

    runs: list[Run] = []

    def start(program: Program) -> Run:
        runs.append(Run(program, Plan(program.path, stdin="terminal", name=program.name)))
        return runs[-1]

    app = DebuggerApp.over_lessons(listed, start)
    try:
        app.run()
    finally:
        for run in runs[-1:]:
            run.close()
    return app.return_code or 0


def open_recording(arguments: argparse.Namespace) -> int:
    """`gradtui open`."""
    checks.faces(arguments)
    if not os.path.isfile(arguments.file):
        what = "is not a file" if os.path.exists(arguments.file) else "does not exist"
        raise BadInput(f"no recording: {arguments.file} {what}")
    from gradtui.wire.recording import read_recording

    keep = checks.keep(arguments)
    if arguments.headless:
        from gradtui.check import headless

        for _ in read_recording(arguments.file, arguments.partial):
            pass  # read through first: nothing of a damaged recording is printed
        events = read_recording(arguments.file, arguments.partial)
        headless.show_recording(events, arguments.json, sys.stdout)
        return 0
    if arguments.plain:
        from gradtui.plain import shell
        from gradtui.trace import Trace

        with _growing():
            trace = Trace.of(read_recording(arguments.file, arguments.partial), keep)
        return shell.show(trace, str(arguments.file), sys.stdin, sys.stdout)
    from gradtui.session.opening import Opening

    with _growing():
        opening = Opening(arguments.file, keep, arguments.partial)
        opening.read(math.inf if arguments.partial else AT_ONCE)
        if opening.fault is not None:
            raise opening.fault
    checks.terminal(f"gradtui open --headless {arguments.file}")
    with _growing():
        from gradtui.tui.app import DebuggerApp
    app = DebuggerApp.over_opening(opening, str(arguments.file))
    app.run()
    if opening.fault is not None:
        raise opening.fault
    return app.return_code or 0


def check_scenarios(arguments: argparse.Namespace) -> int:
    """`gradtui check`."""
    from gradtui.check import scenarios

    return scenarios.check(arguments.paths, arguments.json, arguments.junit, arguments.jobs, sys.stdout)


def export_picture(arguments: argparse.Namespace) -> int:
    """`gradtui export`."""
    settings = parse_settings(arguments.set)
    if arguments.screen:
        from gradtui.tui import picture

        return picture.write(arguments.source, arguments.file, arguments.at, arguments.size, settings)
    from gradtui.export import graph

    return graph.write(arguments.source, arguments.file, arguments.at, settings)


def pick_in_folder(name: str) -> int:
    """`gradtui FOLDER`: its programs to pick from."""
    listed = programs_in(Path(name))
    if not listed:
        raise BadInput(f"no Python files in the folder {name}")
    checks.terminal(f"gradtui check {name}")
    return _pick(listed)


def list_lessons(_: argparse.Namespace) -> int:
    """`gradtui` alone: the lessons to pick from; where there is no terminal, as text."""
    if checks.is_terminal():
        checks.terminal("gradtui run --headless LESSON")
        return _pick(lessons())
    print("gradtui: the debugger for the backward pass\n\nlessons:")
    for program in lessons():
        knobs = f"  [{'; '.join(k.describe() for k in program.knobs)}]" if program.knobs else ""
        print(f"  gradtui run {program.path.stem:16} {program.title}{knobs}")
    print("\nyour own:\n  gradtui run FILE.py [ARGS...]\n\n`gradtui --help` says more")
    return 0


@contextmanager
def _growing() -> Iterator[None]:
    """Much is made and nothing is thrown away: the collector would look through all of it for nothing."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
