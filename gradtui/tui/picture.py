"""The screen as an SVG file, without a terminal: for a README, a slide, a bug report."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

from gradtui.session.errors import BadInput
from gradtui.session.sources import is_recording, trace_at
from gradtui.trace import Trace
from gradtui.trace.cursor import Cursor
from gradtui.tui.app import DebuggerApp
from gradtui.wire.smallest import SMALLEST

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""What no XML may hold; a program's names may."""
LARGEST = (400, 200)
"""Columns and rows of a picture."""


def write(source: str, file: Path, at: str | None, size: str, settings: Mapping[str, str]) -> int:
    """Write the screen over a program's or a recording's position; returns the exit code.

    Raises `BadInput` for what cannot be drawn or written.
    """
    if file.suffix != ".svg":
        raise BadInput(f"cannot write the screen to {file}: its name must end in .svg")
    cells = _cells(size)
    trace, cursor = trace_at(source, at, settings, twin=True)
    drawn = asyncio.run(_draw(trace, Path(source).name, cursor, cells, not is_recording(source)))
    picture = _CONTROL.sub("\ufffd", drawn)
    try:
        file.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write {file}: {error.strerror}") from None
    return 0


def _cells(size: str) -> tuple[int, int]:
    columns, _, rows = size.partition("x")
    if columns.isdecimal() and rows.isdecimal():
        cells = int(columns), int(rows)
        if all(low <= n <= high for low, n, high in zip(SMALLEST, cells, LARGEST)):
            return cells
    smallest, largest = ("x".join(map(str, limit)) for limit in (SMALLEST, LARGEST))
    raise BadInput(f"--size {size}: write COLUMNSxROWS, from {smallest} to {largest}")


async def _draw(trace: Trace, title: str, cursor: Cursor, size: tuple[int, int], cut: bool) -> str:
    app = DebuggerApp.over_recording(trace, title, cut)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.move_to(cursor)
        for _ in range(3):  # panes scroll to their line once they have a height
            await pilot.pause()
        return app.export_screenshot(title=f"gradtui {title}")
