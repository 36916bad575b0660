"""Once through a real terminal: tmux starts the command, types keys and reads the screen."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Terminal:
    """A tmux session of its own server, with a shell in it."""

    def __init__(self, folder: Path, columns: int, rows: int) -> None:
        self._socket = str(folder / "tmux")
        size = ["-x", str(columns), "-y", str(rows)]
        environment = {**os.environ, "TERM": "xterm-256color", "PS1": "$ ", "ENV": ""}
        self._tmux("-f", os.devnull, "new-session", "-d", *size, "sh", env=environment)

    def _tmux(self, *arguments: str, env: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, *arguments],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env=env,
        )
        return done.stdout

    def type(self, *keys: str) -> None:
        """Send keys; `Enter` and the like by name."""
        self._tmux("send-keys", *keys)

    def screen(self) -> str:
        """What can be seen now."""
        return self._tmux("capture-pane", "-p")

    def painted(self) -> str:
        """The same with its escape sequences."""
        return self._tmux("capture-pane", "-p", "-e")

    def wait(self, condition: Callable[[str], object], seconds: float = 40) -> str:
        """The screen, once it fulfils a condition."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            screen = self.screen()
            if condition(screen):
                return screen
            time.sleep(0.05)
        raise AssertionError(f"the condition never came true; the screen:\n{screen}")

    def close(self) -> None:
        """End the server and all in it."""
        self._tmux("kill-server")


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
