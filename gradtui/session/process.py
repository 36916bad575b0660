"""Starts the process that a program runs in, and may do so ahead of time.

A *spare* is such a process that stands ready: Python is up and torch is loaded, only the program is
missing. It is for lessons, which are run again with another knob or input. Any other program is
started from nothing, since it may want to set things before torch is imported.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

from gradtui.session.children import IncomingWithChildren
from gradtui.session.incoming import Incoming, Stream
from gradtui.session.terminal import Terminal, environment

_PROBE = str(Path(__file__).parent.parent / "probe" / "__main__.py")

Stdin = Literal["none", "inherit", "terminal"]
"""What the program reads: an end of file, our own standard input, or what a person types on the screen. Then
it has a terminal of its own, to which it writes as well."""


class Started:
    """A Python process with the probe in it, and our ends of the socket to it and of its children's pipe."""

    def __init__(self, stdin: Stdin, ready: bool = False) -> None:
        self.terminal = Terminal() if stdin == "terminal" else None
        """The one that the program has to itself; None where it reads and writes elsewhere."""
        ours, theirs = socket.socketpair()
        self._children, telling = os.pipe()
        words = [
            str(theirs.fileno()),
            str(telling),
            *["ready"] * ready,
            *["terminal"] * (self.terminal is not None),
        ]
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        try:
            self.process: subprocess.Popen[bytes] = subprocess.Popen(
                [sys.executable, *flags, _PROBE, *words],
                **self._streams(stdin),
                pass_fds=[theirs.fileno(), telling],
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            os.close(self._children)
            if self.terminal is not None:
                self.terminal.close()
            raise
        finally:
            theirs.close()
            os.close(telling)
        if self.terminal is not None:
            self.terminal.given()
        self.socket = ours

    def _streams(self, stdin: Stdin) -> dict[str, Any]:
        if self.terminal is None:
            pipe, null = subprocess.PIPE, subprocess.DEVNULL
            return {"stdin": null if stdin == "none" else None, "stdout": pipe, "stderr": pipe}
        end = self.terminal.theirs
        return {"stdin": end, "stdout": end, "stderr": end, "env": environment()}

    def incoming(self) -> Incoming:
        """What it sends and prints, to be read once."""
        if self.terminal is not None:
            terminal: dict[Stream, int] = {"stdout": self.terminal.ours}
            return IncomingWithChildren(self.socket.fileno(), terminal, True, self._children)
        stdout, stderr = self.process.stdout, self.process.stderr
        assert stdout is not None
        assert stderr is not None
        pipes: dict[Stream, int] = {"stdout": stdout.fileno(), "stderr": stderr.fileno()}
        return IncomingWithChildren(self.socket.fileno(), pipes, False, self._children)

    def release(self) -> None:
        """Close what is ours of it."""
        self.socket.close()
        os.close(self._children)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        if self.terminal is not None:
            self.terminal.close()

    def end(self) -> None:
        """End a process that never got a program: it leaves when nobody is at the other end."""
        self.release()
        self.process.kill()
        self.process.wait()
