"""Writes the graph of a pass to a file, as DOT or SVG by the file's ending."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from gradtui.export.dot import dot
from gradtui.export.facts import Picture, facts
from gradtui.export.svg import svg
from gradtui.session.errors import BadInput
from gradtui.session.sources import trace_at
from gradtui.trace import Trace
from gradtui.trace.cursor import Cursor
from gradtui.views.layers import TooLarge

LARGEST = 3_000
"""Nodes of a graph that is drawn as SVG: viewers give up on larger ones, and so do their readers."""


def write(source: str, file: Path, at: str | None, settings: Mapping[str, str]) -> int:
    """Write the graph of a program's, lesson's or recording's pass to `file`; returns the exit code.

    Raises `BadInput` for a source, position or file that will not do, before a program is started
    where that can be told.
    """
    draw = _drawer(file)
    check_writable(file, source)
    trace, cursor = trace_at(source, at, settings)
    # at the pass's end the picture is of the pass; the last step stands out only where it was asked for
    save(file, draw(trace, cursor, at is not None and not at.strip().endswith(("end", "$"))))
    return 0


def _drawer(file: Path) -> Callable[[Trace, Cursor, bool], str]:
    match file.suffix.lower():
        case ".dot" | ".gv":
            return _dot
        case ".svg":
            return _svg
        case ending:
            what = f"ends in {ending}" if ending else "has no ending"
            raise BadInput(f"{file} {what}: name it FILE.svg for a picture, FILE.dot (or .gv) for Graphviz")


def _dot(trace: Trace, at: Cursor, marked: bool) -> str:
    return dot(facts(trace, at, marked))


def _svg(trace: Trace, at: Cursor, marked: bool) -> str:
    shown = trace.pass_numbered(at.number)
    assert shown is not None
    hint = "write a FILE.dot and draw it with Graphviz (`dot` or, for very large graphs, `sfdp`)"
    if len(shown.nodes) > LARGEST:
        raise BadInput(
            f"pass {shown.number} has {len(shown.nodes):,} nodes; an SVG holds at most {LARGEST:,}: {hint}"
        )
    try:
        return svg(facts(trace, at, marked), _end_of(trace, at))
    except TooLarge:
        raise BadInput(f"the edges of pass {shown.number} reach too far for an SVG: {hint}") from None


def _end_of(trace: Trace, at: Cursor) -> Picture:
    shown = trace.pass_numbered(at.number)
    assert shown is not None
    return facts(trace, Cursor(at.number, len(shown.messages)))


def check_writable(file: Path, source: str) -> None:
    """Raises `BadInput` for a file that cannot be written. Found out by trying; what is there stays."""
    try:
        if file.exists():
            if os.path.exists(source) and file.samefile(source):
                raise BadInput(f"cannot write {file}: it is the source")
            if stat.S_ISFIFO(file.stat().st_mode):  # opening it might wait for ever
                return
        new = not os.path.lexists(file)
        file.open("ab").close()
        if new:
            file.unlink()
    except (OSError, ValueError) as error:
        raise _unwritable(file, error) from None


def save(file: Path, text: str) -> None:
    """Write the file. Raises `BadInput` where the system refuses."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _unwritable(file, error) from None


def _unwritable(file: Path, error: Exception) -> BadInput:
    return BadInput(f"cannot write {file}: {getattr(error, 'strerror', None) or error}")
