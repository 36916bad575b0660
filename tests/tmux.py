"""A real terminal: a server of tmux's own, where keys are typed and the screen is read."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from running import PATIENCE

ROOT = Path(__file__).parent.parent


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
            timeout=PATIENCE,
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

    def wait(self, condition: Callable[[str], object], seconds: float = PATIENCE) -> str:
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
