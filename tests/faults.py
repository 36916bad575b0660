"""Programs with one fault each: `# at fault` and `# made here` mark the lines to be told."""

from __future__ import annotations

import io
import runpy
import warnings
from contextlib import redirect_stdout
from pathlib import Path

from running import PROGRAMS

import gradtui
from gradtui.trace import Trace

FAULTS = PROGRAMS / "faults"


def recorded(path: Path) -> tuple[Trace, BaseException | None]:
    error = None
    with gradtui.record() as trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with redirect_stdout(io.StringIO()):
                runpy.run_path(str(path), run_name="__main__")
        except Exception as raised:  # noqa: BLE001
            error = raised
    return trace, error


def marked(path: Path, mark: str) -> str | None:
    """`file.py:LINE` of the line that carries a comment."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.endswith(f"# {mark}"):
            return f"{path.name}:{number}"
    return None
