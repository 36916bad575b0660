"""A recording of a run prints what the run printed, without torch and without the program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from running import PATIENCE, PROGRAMS, gradtui, headless

BLOCKED = """
import runpy, sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "textual", "numpy", "small_engine"):
            raise AssertionError(f"imported {name}")
sys.meta_path.insert(0, Blocker())
sys.argv = ["gradtui", *sys.argv[1:]]
runpy.run_module("gradtui", run_name="__main__")
"""


@pytest.mark.parametrize(
    ("program", "options"),
    [
        ("prints_between.py", ()),
        ("linear.py", ()),
        ("not_finite.py", ("--no-twin",)),
        ("leaves_a_child.py", ("--no-twin",)),
    ],
)
def test_a_recording_prints_what_the_run_printed(
    program: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    """Byte for byte, without torch, without the program."""
    (tmp_path / "small_engine.py").write_bytes((PROGRAMS / "small_engine.py").read_bytes())
    (tmp_path / program).write_bytes((PROGRAMS / program).read_bytes())
    trace = tmp_path / "run.trace"
    live = gradtui("run", "--headless", "--json", *options, "--out", trace, tmp_path / program)
    (tmp_path / program).unlink()
    opened = subprocess.run(
        [sys.executable, "-c", BLOCKED, "open", trace, "--headless", "--json"],
        capture_output=True,
        timeout=PATIENCE,
    )
    assert opened.stderr == b""
    assert opened.stdout == live.out
    assert opened.returncode == 0
    text = gradtui("open", "--headless", trace)
    assert (text.code, text.err) == (0, b"")
    assert text.out.decode().splitlines()[-1].startswith("ran to its end")


def test_a_recording_of_a_run_that_died_is_whole(tmp_path: Path) -> None:
    trace = tmp_path / "run.trace"
    live = headless("dies.py", "segfault", options=("--out", trace))
    opened = gradtui("open", "--headless", "--json", trace)
    assert (opened.code, opened.out) == (0, live.out)


def test_a_full_disk_is_said_and_the_run_goes_on() -> None:
    ended = gradtui("run", "--headless", "--json", "--out", "/dev/full", PROGRAMS / "no_backward.py")
    assert (ended.code, ended.printed("stdout")) == (0, "45\n")
    assert "No space left on device" in ended.of_type("notice")[0]["message"]
