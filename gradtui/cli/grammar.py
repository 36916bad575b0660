"""What may stand on the command line, and its help."""

from __future__ import annotations

import argparse
from pathlib import Path

from gradtui import __version__
from gradtui.cli import commands
from gradtui.trace.keep import KEEP, size_text


def parser() -> argparse.ArgumentParser:
    """For all commands; each sets `do`, which takes what was parsed and returns an exit code."""
    parser = argparse.ArgumentParser(
        prog="gradtui",
        description="The debugger for the backward pass. `gradtui` alone opens the "
        "lessons, `gradtui FOLDER` the programs of a folder.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"gradtui {__version__}")
    parser.set_defaults(do=commands.list_lessons)
    add = parser.add_subparsers(metavar="COMMAND").add_parser

    run = add(
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
    run.set_defaults(do=commands.run_program)

    opened = add(
        "open",
        help="open a recording",
        description="Open a recorded run: the same screen, without torch and without the program.",
        allow_abbrev=False,
    )
    opened.add_argument("file", metavar="FILE", type=Path, help="a file written by `gradtui run --out`")
    opened.add_argument("--partial", action="store_true", help="open what is whole of a damaged recording")
    _face_options(opened, "print it without a screen")
    _keep_option(opened)
    opened.set_defaults(do=commands.open_recording)

    check = add(
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
    check.set_defaults(do=commands.check_scenarios)

    export = add(
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
    export.set_defaults(do=commands.export_picture)
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
