"""Once through a real terminal: tmux starts the command, types keys and reads the screen."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import PATIENCE
from tmux import Terminal

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path, 80, 24)
    yield terminal
    terminal.close()


def test_a_program_in_a_real_terminal(terminal: Terminal, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    terminal.type(
        f"{sys.executable} -m gradtui run --no-twin tests/programs/tells_pid.py {pid_file}", "Enter"
    )
    terminal.wait(lambda s: "›  o" in s)
    terminal.type("n", "n")
    screen = terminal.wait(lambda s: "▶  n" in s)
    assert "step 2" in screen.splitlines()[0]
    assert "received ∂o/∂n = 0.00134" in screen
    terminal.type("N")
    terminal.wait(lambda s: "▶  o" in s and "looking back" in s)
    terminal.type("q")
    terminal.wait(lambda s: "▶" not in s and s.rstrip().endswith(("$", "#")))
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
    terminal.type("stty -a | tr -s ' ;' '\\n' | grep -x -e echo -e icanon | sort | tr '\\n' '+'", "Enter")
    terminal.wait(lambda s: "echo+icanon+" in s)


def test_a_screen_that_is_ended_from_outside_ends_its_program(terminal: Terminal, tmp_path: Path) -> None:
    pid_file, own = tmp_path / "pid", tmp_path / "own"
    run = f"{sys.executable} -m gradtui run --no-twin tests/programs/tells_pid.py {pid_file}"
    terminal.type(f"sh -c 'echo $$ > {own}; exec {run}'", "Enter")
    terminal.wait(lambda s: "›  o" in s)
    os.kill(int(own.read_text()), signal.SIGTERM)
    terminal.wait(lambda s: "›" not in s)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_a_terminal_that_is_closed_takes_the_screen_and_its_program_along(tmp_path: Path) -> None:
    terminal, pid_file, own = Terminal(tmp_path, 80, 24), tmp_path / "pid", tmp_path / "own"
    run = f"{sys.executable} -m gradtui run --no-twin tests/programs/tells_pid.py {pid_file}"
    terminal.type(f"sh -c 'echo $$ > {own}; exec {run}'", "Enter")
    terminal.wait(lambda s: "›  o" in s)
    terminal.close()
    for file in (own, pid_file):
        _wait_until_gone(int(file.read_text()))


def _wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    pytest.fail(f"{pid} lives on")


def test_a_terminal_that_is_too_small_is_told_so(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, 50, 10)
    try:
        terminal.type(f"{sys.executable} -m gradtui run scenarios/neuron.py; echo code $?", "Enter")
        screen = terminal.wait(lambda s: "code 2" in s)
        assert "the terminal is 50x10" in screen.replace("\n", "")
        assert "--headless" in screen.replace("\n", "")
    finally:
        terminal.close()


def test_without_colour_every_mark_is_still_there(terminal: Terminal, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    terminal.type(
        f"NO_COLOR=1 {sys.executable} -m gradtui run --no-twin tests/programs/tells_pid.py {pid_file}",
        "Enter",
    )
    terminal.wait(lambda s: "›  o" in s)
    terminal.type("n", "n")
    screen = terminal.wait(lambda s: "▶  n" in s)
    assert "✓  o" in screen
    assert not _colours(terminal.painted())
    terminal.type("q")
    terminal.wait(lambda s: "▶" not in s and s.rstrip().endswith(("$", "#")))


GREYS = {0, 7, 8, 15, 16, 59, 102, 145, 188, 231, *range(232, 256)}
"""Of the 256 colours of a terminal, those without a hue."""


def _colours(painted: str) -> list[object]:
    """The colours of a painted screen that are not grey."""
    true = [rgb for rgb in re.findall(r"[34]8;2;(\d+);(\d+);(\d+)", painted) if len(set(rgb)) > 1]
    numbered = [n for n in re.findall(r"[34]8;5;(\d+)", painted) if int(n) not in GREYS]
    return [*true, *numbered, *re.findall(r"\x1b\[[34][1-6]m", painted)]
