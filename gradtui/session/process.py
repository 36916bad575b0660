"""Starts the process that a program runs in, and may do so ahead of time.

A *spare* is such a process that stands ready: Python is up and torch is loaded, only the program is
missing. It is for lessons, which are run again with another knob or input. Any other program is
started from nothing, since it may want to set things before torch is imported.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import IO, Literal

_PROBE = str(Path(__file__).parent.parent / "probe" / "__main__.py")

Stdin = Literal["none", "inherit", "pipe"]
"""What the program reads: an end of file, our own standard input, or what a person types on the screen."""


class Started:
    """A Python process with the probe in it, and our end of the socket to it."""

    def __init__(self, stdin: Stdin, ready: bool = False) -> None:
        self.stdin_kind = stdin
        ours, theirs = socket.socketpair()
        try:
            flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
            self.process: subprocess.Popen[bytes] = subprocess.Popen(
                [sys.executable, *flags, _PROBE, str(theirs.fileno()), *(["ready"] if ready else [])],
                stdin={"none": subprocess.DEVNULL, "inherit": None, "pipe": subprocess.PIPE}[stdin],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self.socket = ours

    def pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        """Its standard output and error."""
        stdout, stderr = self.process.stdout, self.process.stderr
        assert stdout is not None
        assert stderr is not None
        return stdout, stderr

    def release(self) -> None:
        """Close what is ours of it."""
        self.socket.close()
        for pipe in self.pipes():
            pipe.close()
        if self.process.stdin is not None:
            try:
                self.process.stdin.close()
            except OSError:  # what was typed last finds no reader
                pass

    def end(self) -> None:
        """End a process that never got a program: it leaves when nobody is at the other end."""
        self.release()
        self.process.kill()
        self.process.wait()
