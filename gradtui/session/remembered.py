"""What is kept between runs of the same program: its breakpoints, in one small file of the user's."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from gradtui.session.breakpoints import parse
from gradtui.session.errors import BadInput


def load(program: Path) -> tuple[list[str], list[str]]:
    """The breakpoints that were set when the program was last debugged, as text.

    Also a notice for each that is not understood, which is left out.
    """
    kept = _all().get(str(program.resolve()))
    texts, told = [], []
    for text in kept if isinstance(kept, list) else []:
        if isinstance(text, str):
            try:
                parse(text)
            except BadInput as error:
                told.append(f"a breakpoint kept in {_path()} is left out: {error}")
            else:
                texts.append(text)
    return texts, told


def save(program: Path, texts: Sequence[str]) -> None:
    """Keep these for the next run. Where nothing can be written, nothing is kept."""
    everything = _all()
    everything.pop(str(program.resolve()), None)
    if texts:
        everything[str(program.resolve())] = list(texts)
    path = _path()
    beside = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(everything, indent=1))
        beside.replace(path)  # whole or not at all, whoever else writes
    except OSError:
        pass


def _path() -> Path:
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(home) / "gradtui" / "breakpoints.json"


def _all() -> dict[str, object]:
    try:
        found = json.loads(_path().read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
