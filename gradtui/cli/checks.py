"""What is looked at before a command begins; all raise `BadInput` with the reason and what to do."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gradtui.session.errors import BadInput
from gradtui.session.programs import Program, lessons
from gradtui.trace.keep import KEEP, parse_size
from gradtui.wire.smallest import SMALLEST

COMMANDS = ("run", "open", "check", "export")
OPTIONS = ("--headless", "--json", "--plain", "--out", "--set", "--stats", "--no-twin", "--break", "--keep")
"""Of `run`."""


def command(given: Sequence[str]) -> None:
    """`gradtui train.py` lacks a word. Raises `BadInput` that says which."""
    first = given[0] if given else "-"
    if first in COMMANDS or first.startswith("-"):
        return
    lesson = any(program.path.stem == first for program in lessons())
    if lesson or os.path.exists(first):
        raise BadInput(f"'{first}' is no command; did you mean `gradtui run {first}`?")
    raise BadInput(f"'{first}' is no command, folder or lesson; commands are {', '.join(COMMANDS)}")


def tell_of_late_options(program: Program, argv: Sequence[str]) -> None:
    """An option of ours behind PROGRAM goes to the program; say so where the program knows no such option."""
    for word in argv:
        name = word.partition("=")[0]
        if name == "--":
            return
        if name in OPTIONS and name not in program.text:
            told = f"{name} stands behind the program and goes to it; gradtui's own options stand before it"
            print(f"gradtui: note: {told}", file=sys.stderr)


def faces(arguments: argparse.Namespace) -> None:
    """Do the options agree on one?"""
    if arguments.json and not arguments.headless:
        raise BadInput("--json needs --headless")
    if arguments.plain and arguments.headless:
        raise BadInput("--plain and --headless exclude each other: one asks, the other runs to the end")


def writable(path: Path | None, program: Path) -> Path | None:
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


def keep(arguments: argparse.Namespace) -> int:
    """Raises `BadInput` for what is no size, and where nothing is kept."""
    if arguments.keep is None:
        return KEEP
    if arguments.headless:
        raise BadInput("--keep is for travelling; --headless prints each step as it comes and keeps none")
    try:
        return parse_size(arguments.keep)
    except ValueError as error:
        raise BadInput(f"--keep: {error}") from None


def is_terminal() -> bool:
    """Is there one to draw on and to type at?"""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def terminal(instead: str) -> None:
    """Raises `BadInput` where there is no terminal, or a hopelessly small one."""
    if not is_terminal():
        raise BadInput(f"no terminal to draw on; without a screen: {instead}")
    size = os.get_terminal_size(sys.stdout.fileno())
    if size.columns < SMALLEST[0] or size.lines < SMALLEST[1]:
        raise BadInput(
            f"the terminal is {size.columns}x{size.lines}; the screen needs at least "
            f"{SMALLEST[0]}x{SMALLEST[1]}. Make it larger, or without a screen: {instead}"
        )
