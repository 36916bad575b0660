"""The one thin door: parses the command line and calls the face that was asked for."""

from __future__ import annotations

import argparse
import gc
import math
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path

from gradtui import __version__
from gradtui.session import remembered
from gradtui.session.breakpoints import Breakpoints
from gradtui.session.errors import BadInput
from gradtui.session.knobs import check_settings, parse_settings
from gradtui.session.programs import Program, lessons, open_module, open_program, programs_in
from gradtui.session.session import Plan
from gradtui.trace.keep import KEEP, parse_size, size_text
from gradtui.wire.codec import BadRecording
from gradtui.wire.messages import Breakpoint
from gradtui.wire.smallest import SMALLEST

COMMANDS = ("run", "open", "check", "export")
OPTIONS = ("--headless", "--json", "--plain", "--out", "--set", "--stats", "--no-twin", "--break", "--keep")
"""Of `run`."""
AT_ONCE = 0.1
"""Seconds of reading before the screen opens over what a recording holds so far."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run gradtui and leave with its exit code."""
    _ready_streams()
    given = sys.argv[1:] if argv is None else argv
    try:
        if len(given) == 1 and os.path.isdir(given[0]):
            code = _folder(given[0])
        else:
            _check_command(given)
            arguments = _parser().parse_args(given)
            code = arguments.do(arguments)
        sys.stdout.flush()
    except (BadInput, BadRecording) as error:
        print(f"gradtui: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except BrokenPipeError:  # `gradtui ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 128 + signal.SIGPIPE
    if len(threading.enumerate()) > 1:  # Textual's, left behind at a terminal that is gone: they would spin
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def attach() -> None:
    """Started by `gradtui.breakpoint()`: descriptor, program and held output stand on the command line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from gradtui.tui import attached

    attached.keep_out_of_the_way()
    descriptor, program, *held = sys.argv[1:]
    pairs = [pair.split(":") for pair in held]
    sys.exit(attached.serve(program, int(descriptor), [(int(read), int(to)) for read, to in pairs]))


def _ready_streams() -> None:
    """Programs may print what our own streams cannot show; and those may be closed (`>&-`)."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gradtui",
        description="The debugger for the backward pass. `gradtui` alone opens the "
        "lessons, `gradtui FOLDER` the programs of a folder.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"gradtui {__version__}")
    parser.set_defaults(do=_lessons)
    commands = parser.add_subparsers(metavar="COMMAND")

    run = commands.add_parser(
        "run",
        help="run a program under the debugger",
        description="Run a Python program and stop before the first node of its first backward pass.",
        usage="gradtui run [OPTIONS] (PROGRAM | -m MODULE) [ARGS...]",
        allow_abbrev=False,
    )
    file = run.add_argument(
        "program", metavar="PROGRAM", help="a Python file, or the name of a bundled lesson"
    )
    file.required = False  # `-m` may stand in its place
    run.add_argument(
        "-m", metavar="MODULE", dest="module", nargs=argparse.REMAINDER,
        help="MODULE [ARGS...]: a module or package, as `python -m` runs it",
    )  # fmt: skip
    own = run.add_argument(
        "argv", metavar="ARGS", nargs=argparse.REMAINDER, help="the program's own arguments"
    )
    own.required = False  # older Pythons' error messages count it among what is missing
    run.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], help="set a knob of the program"
    )
    run.add_argument(
        "--break", metavar="WHERE", dest="breakpoints", action="append", default=[],
        help="run until this holds: nonfinite, 'module=fc1 norm>10', train.py:12, ...",
    )  # fmt: skip
    run.add_argument("--out", metavar="FILE", type=Path, help="record the run to FILE")
    run.add_argument(
        "--stats",
        choices=("auto", "full"),
        help="how much to keep of large tensors (full is the default with --json)",
    )
    run.add_argument("--no-twin", action="store_true", help="build no torch twin beside scalar graphs")
    _face_options(run, "run to the end without a screen")
    _keep_option(run)
    run.set_defaults(do=_run)

    opened = commands.add_parser(
        "open",
        help="open a recording",
        description="Open a recorded run: the same screen, without torch and without the program.",
        allow_abbrev=False,
    )
    opened.add_argument("file", metavar="FILE", type=Path, help="a file written by `gradtui run --out`")
    opened.add_argument("--partial", action="store_true", help="open what is whole of a damaged recording")
    _face_options(opened, "print it without a screen")
    _keep_option(opened)
    opened.set_defaults(do=_open)

    check = commands.add_parser(
        "check",
        help="run scenarios and check what they declare",
        description="Run scenarios: each must exit with 0 and have exactly the findings that it declares, "
        "for each knob setting that it declares. Without PATH: the bundled lessons.",
        allow_abbrev=False,
    )
    check.add_argument("paths", metavar="PATH", nargs="*", help="a scenario file or a folder of them")
    check.add_argument("--json", action="store_true", help="one JSON object a line on stdout")
    check.add_argument("--junit", metavar="FILE", type=Path, help="write a JUnit report to FILE as well")
    check.add_argument("--jobs", metavar="N", type=int, help="programs at a time (default: one a core)")
    check.set_defaults(do=_check)

    export = commands.add_parser(
        "export",
        help="write a graph as DOT or SVG, or the screen as SVG",
        description="Write the graph of a pass as a picture (FILE.dot or FILE.svg), or, with --screen, "
        "the screen as it stands there (FILE.svg). SOURCE is a program, a bundled lesson or a recording.",
        allow_abbrev=False,
    )
    export.add_argument("source", metavar="SOURCE", help="a program, a bundled lesson or a recording")
    export.add_argument("file", metavar="FILE", type=Path, help="where to write; its ending says what")
    export.add_argument(
        "--at",
        metavar="[PASS:]STEP",
        help="the position: 7, 2:7, 2:end, or end of the run (default: the end of the first pass)",
    )
    export.add_argument("--screen", action="store_true", help="the screen instead of the graph")
    export.add_argument("--size", metavar="COLSxROWS", default="160x48", help="of the screen")
    export.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], help="set a knob of the program"
    )
    export.set_defaults(do=_export)
    return parser


def _keep_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--keep", metavar="SIZE",
        help=f"memory for the passes to travel in, the newest (default: {size_text(KEEP)})",
    )  # fmt: skip


def _face_options(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--headless", action="store_true", help=what)
    parser.add_argument(
        "--json", action="store_true", help="with --headless: one JSON object a line on stdout"
    )
    parser.add_argument(
        "--plain", action="store_true", help="step by typed commands, for screen readers and pipes"
    )


# ---------------------------------------------------------------------- commands


def _run(arguments: argparse.Namespace) -> int:
    _check_faces(arguments)
    program, argv = _program_of(arguments)
    _tell_of_late_options(program, argv)
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
        record=_writable(arguments.out, program.path),
        stdin="inherit" if arguments.headless else "none" if arguments.plain else "terminal",
        name=program.name,
        module=program.module,
        breakpoints=_breakpoints([*kept, *arguments.breakpoints]),
        keep=_keep(arguments),
        told=tuple(told),
    )
    if arguments.headless:
        from gradtui.check import headless

        return headless.run(plan, arguments.json, sys.stdout)
    if arguments.plain:
        from gradtui.plain import shell

        return shell.run(program, plan, sys.stdin, sys.stdout)
    what = f"-m {program.module}" if program.module else arguments.program
    _check_terminal(f"gradtui run --headless {what}")
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


def _open(arguments: argparse.Namespace) -> int:
    _check_faces(arguments)
    if not os.path.isfile(arguments.file):
        what = "is not a file" if os.path.exists(arguments.file) else "does not exist"
        raise BadInput(f"no recording: {arguments.file} {what}")
    from gradtui.wire.recording import read_recording

    keep = _keep(arguments)
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
    _check_terminal(f"gradtui open --headless {arguments.file}")
    with _growing():
        from gradtui.tui.app import DebuggerApp
    app = DebuggerApp.over_opening(opening, str(arguments.file))
    app.run()
    if opening.fault is not None:
        raise opening.fault
    return app.return_code or 0


def _check(arguments: argparse.Namespace) -> int:
    from gradtui.check import scenarios

    return scenarios.check(arguments.paths, arguments.json, arguments.junit, arguments.jobs, sys.stdout)


def _export(arguments: argparse.Namespace) -> int:
    settings = parse_settings(arguments.set)
    if arguments.screen:
        from gradtui.tui import picture

        return picture.write(arguments.source, arguments.file, arguments.at, arguments.size, settings)
    from gradtui.export import graph

    return graph.write(arguments.source, arguments.file, arguments.at, settings)


def _folder(name: str) -> int:
    """`gradtui FOLDER`: its programs to pick from."""
    listed = programs_in(Path(name))
    if not listed:
        raise BadInput(f"no Python files in the folder {name}")
    _check_terminal(f"gradtui check {name}")
    return _pick(listed)


def _lessons(_: argparse.Namespace) -> int:
    """`gradtui` alone: the lessons to pick from; where there is no terminal, as text."""
    if _is_terminal():
        _check_terminal("gradtui run --headless LESSON")
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


# ------------------------------------------------------------------------ checks


def _check_command(given: Sequence[str]) -> None:
    """`gradtui train.py` lacks a word. Raises `BadInput` that says which."""
    first = given[0] if given else "-"
    if first in COMMANDS or first.startswith("-"):
        return
    lesson = any(program.path.stem == first for program in lessons())
    if lesson or os.path.exists(first):
        raise BadInput(f"'{first}' is no command; did you mean `gradtui run {first}`?")
    raise BadInput(f"'{first}' is no command, folder or lesson; commands are {', '.join(COMMANDS)}")


def _tell_of_late_options(program: Program, argv: Sequence[str]) -> None:
    """An option of ours behind PROGRAM goes to the program; say so where the program knows no such option."""
    for word in argv:
        name = word.partition("=")[0]
        if name == "--":
            return
        if name in OPTIONS and name not in program.text:
            told = f"{name} stands behind the program and goes to it; gradtui's own options stand before it"
            print(f"gradtui: note: {told}", file=sys.stderr)


def _check_faces(arguments: argparse.Namespace) -> None:
    if arguments.json and not arguments.headless:
        raise BadInput("--json needs --headless")
    if arguments.plain and arguments.headless:
        raise BadInput("--plain and --headless exclude each other: one asks, the other runs to the end")


def _writable(path: Path | None, program: Path) -> Path | None:
    """Raises `BadInput` for a file that cannot be written. Found out by trying; what is there stays."""
    if path is not None:
        new = not os.path.lexists(path)
        try:
            if not new and path.exists() and path.samefile(program):
                raise BadInput(f"cannot write the recording {path}: it is the program")
            path.open("ab").close()
            if new:
                path.unlink()
        except OSError as error:
            raise BadInput(f"cannot write the recording {path}: {error.strerror}") from None
    return path


def _keep(arguments: argparse.Namespace) -> int:
    """Raises `BadInput` for what is no size, and where nothing is kept."""
    if arguments.keep is None:
        return KEEP
    if arguments.headless:
        raise BadInput("--keep is for travelling; --headless prints each step as it comes and keeps none")
    try:
        return parse_size(arguments.keep)
    except ValueError as error:
        raise BadInput(f"--keep: {error}") from None


def _is_terminal() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def _check_terminal(instead: str) -> None:
    """Raises `BadInput` where there is no terminal, or a hopelessly small one."""
    if not _is_terminal():
        raise BadInput(f"no terminal to draw on; without a screen: {instead}")
    size = os.get_terminal_size(sys.stdout.fileno())
    if size.columns < SMALLEST[0] or size.lines < SMALLEST[1]:
        raise BadInput(
            f"the terminal is {size.columns}x{size.lines}; the screen needs at least "
            f"{SMALLEST[0]}x{SMALLEST[1]}. Make it larger, or without a screen: {instead}"
        )
