"""Scenarios that are checked: those of `scenarios_zoo`, what is said of each, and one that hangs."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from running import PATIENCE

ZOO = Path(__file__).parent / "scenarios_zoo"

HOLD = {"holds.py": [""], "declared.py": ["broken=on", "broken=off"], "unknown_knob.py": ["steps=2"]}
"""What holds in the zoo; everything else does not."""

REASONS = [
    ("extra.py", "expected no findings, got overwritten-gradient"),
    ("missing.py", "expected order (2 times), got no findings"),
    ("exits.py", "ended with exit code 3: 0 passes, 0 steps, no findings"),
    (
        "raises_in_pass.py",
        "ArithmeticError: in the closure (raises_in_pass.py:9) (exit code 1): 1 pass, 1 step, no findings",
    ),
    ("segfaults.py", "killed by signal 11 (SIGSEGV) (exit code -11): 0 passes, 0 steps, no findings"),
    (
        "leaves_in_pass.py",
        "ended inside pass 1, without an exception (exit code 0): 1 pass, 0 steps, no findings",
    ),
    (
        "unknown_knob.py",
        "SCENARIO declares findings for 'step=1': unknown knob 'step': this program has steps=1",
    ),
    (
        "unknown_knob.py",
        "SCENARIO declares findings for 'steps=many': knob steps=many: not a value of type int",
    ),
    ("prints_controls.py", "ended with exit code 1: 0 passes, 0 steps, no findings"),
    ("bad_literal.py", "bad_literal.py, line 3: SCENARIO must be a plain literal (no names, no calls)"),
    (
        "syntax.py",
        "syntax error in syntax.py, line 2: '(' was never closed\n    def broken(\n              ^",
    ),
]
"""Why the others do not, in the order in which they are checked."""

HANGS = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open("pid", "w") as file:
    file.write(f"{os.getpid()}\\n")
time.sleep(1000)
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def hanging_pid(folder: Path) -> int:
    """Wait until the hanging program has said who it is."""
    deadline = time.monotonic() + PATIENCE
    while not (folder / "pid").exists() or not (folder / "pid").read_text().endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return int((folder / "pid").read_text())


def write_zoo(folder: Path) -> Path:
    """The zoo in a folder, with a file that cannot be compiled and things that are no scenarios."""
    for path in ZOO.glob("*.py"):
        shutil.copy(path, folder)
    (folder / "syntax.py").write_text("'''Broken'''\ndef broken(\n")
    for name in ("test_it.py", "it_test.py", "conftest.py", "_shared.py", ".hidden.py", "notes.txt"):
        (folder / name).write_text("raise SystemExit('no scenario')\n")
    (folder / "inner").mkdir()
    (folder / "inner" / "deeper.py").write_text("raise SystemExit('not searched')\n")
    return folder
