"""A program under `gradtui run --headless` does what it does without: output, exit code, what it knows of itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from running import PATIENCE, PROGRAMS, gradtui, headless, plain

ALIKE: list[tuple[str, ...]] = [
    ("prints_between.py",),
    ("raises.py",),
    ("raises_group.py",),
    ("raises_in_pass.py",),
    ("broken_import.py",),
    ("exits.py", "3"),
    ("exits.py", "'text'"),
    ("exits.py", "None"),
    ("exits.py", "300"),
    ("dies.py", "exit"),
    ("dies.py", "segfault"),
    ("dies.py", "SIGKILL"),
    ("dies.py", "SIGTERM"),
    ("forks.py",),
    ("multiprocesses.py", "fork"),
    ("multiprocesses.py", "spawn"),
    ("prints_much.py",),
    ("prints_bytes.py",),
    ("closes_stdout.py",),
    ("closes_descriptors.py", "FILE"),
    ("redirects.py",),
    ("threads.py",),
    ("no_backward.py",),
    ("reads_stdin.py",),
    ("shows_itself.py", "--lr", "0.1", "--", "x", ""),
    ("changes_dir.py",),
    ("takes_options.py", "--lr", "0.1", "--json", "--", "x"),
    ("takes_options.py", "-h"),
    ("hooks.py",),
    ("hooks.py", "broken"),
    ("at_exit.py",),
    ("not_finite.py",),
    ("has_knobs.py",),
    ("raises_under_torch.py", "python"),
    ("raises_under_torch.py", "hook"),
    ("forks_under_torch.py",),
]


@pytest.mark.parametrize("case", ALIKE, ids=" ".join)
def test_a_program_does_what_it_does_without_gradtui(case: tuple[str, ...], tmp_path: Path) -> None:
    """Its output to the byte (its traceback too), its exit code, what it knows of itself."""
    program, *argv = (str(tmp_path / "file") if part == "FILE" else part for part in case)
    alone = plain(program, *argv, stdin=b"you\nand more\n")
    watched = headless(program, *argv, stdin=b"you\nand more\n")
    assert watched.err == b""
    assert watched.printed("stdout") == alone.out.decode(errors="replace")
    assert watched.printed("stderr") == alone.err.decode(errors="replace")
    assert watched.exit["code"] == alone.code
    assert watched.code == (alone.code if alone.code >= 0 else 128 - alone.code)


@pytest.mark.parametrize("written", ["shows_itself.py", "./shows_itself.py", "../programs/shows_itself.py"])
def test_a_program_is_named_as_it_was_written(written: str) -> None:
    alone = subprocess.run(
        [sys.executable, written],
        cwd=PROGRAMS,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
    )
    watched = gradtui("run", "--headless", "--json", written, cwd=PROGRAMS)
    assert watched.printed("stdout") == alone.stdout.decode()


def test_a_program_behind_a_link_finds_its_siblings(tmp_path: Path) -> None:
    (tmp_path / "link.py").symlink_to(PROGRAMS / "prints_between.py")
    assert headless(tmp_path / "link.py").exit["steps"] == 8
