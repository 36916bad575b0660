"""A terminal for a program: the end of a pseudo-terminal that a person would sit at.

The program has the other end as its standard streams and, in a session of its own, as its controlling
terminal: what is typed is echoed and edited by the system, `/dev/tty` opens it, and signals reach the
program's children.
"""

from __future__ import annotations

import fcntl
import os
import struct
import termios

from gradtui.session.errors import BadInput

ROWS = 24
"""Rows that the program sees: its output scrolls, so the height of a pane says nothing."""
COLUMNS = 80
"""Columns before anybody said how wide the pane is."""
LONGEST = 4095
"""Bytes of a line that is typed, without its end: the system gives a program that reads lines no more."""


class Terminal:
    """Owns both ends until the program has its own."""

    def __init__(self) -> None:
        try:
            self.ours, self.theirs = os.openpty()
        except OSError as error:
            raise BadInput(f"the system has no terminal for the program: {error.strerror}") from None
        self._open = 0
        """Bytes typed of a line that has no end yet."""
        self.resize(COLUMNS)

    def given(self) -> None:
        """The program has its end."""
        os.close(self.theirs)
        self.theirs = -1

    def resize(self, columns: int) -> None:
        """Say how wide it is; a program that listens (SIGWINCH) is told."""
        size = struct.pack("HHHH", ROWS, max(1, columns), 0, 0)
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, size)

    @property
    def secret(self) -> bool:
        """Does the program read a line without showing it, as `getpass` does?"""
        flags = self._flags()
        return bool(flags & termios.ICANON) and not flags & termios.ECHO

    def type(self, text: str) -> None:
        """Let the program read this. Raises `BadInput` where it cannot."""
        data = text.encode()
        *lines, rest = data.split(b"\n")
        sizes = [len(line) for line in (*lines, rest)]
        sizes[0] += self._open
        if max(sizes) > LONGEST and self._flags() & termios.ICANON:
            raise BadInput(
                f"a line of {max(sizes):,} bytes is not typed: of a line at a terminal the system gives "
                f"a program {LONGEST:,}; have the program read a file instead"
            )
        os.set_blocking(self.ours, False)
        try:
            sent = os.write(self.ours, data)
        except BlockingIOError:
            sent = 0
        except OSError:
            raise BadInput("the program has closed its input") from None
        self._open = sizes[-1]
        if sent < len(data):
            raise BadInput("the program has not read what was typed before")

    def end_of_file(self) -> None:
        """Let the program find an end of file once, as Ctrl+D does; after an open line it takes two."""
        self.type("\x04\x04" if self._open else "\x04")
        self._open = 0

    def _flags(self) -> int:
        try:
            flags: int = termios.tcgetattr(self.ours)[3]
        except (OSError, termios.error):  # nobody has the other end
            return termios.ECHO | termios.ICANON
        return flags

    def close(self) -> None:
        """Hang up: a program that still has it is told by SIGHUP."""
        os.close(self.ours)
        if self.theirs >= 0:
            self.given()


def environment() -> dict[str, str]:
    """Ours, without the size of our own terminal."""
    return {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}


_READING = {("0", "0x0"), ("63", "0x0"), ("270", "0x1"), ("72", "0x1")}
"""System call and first argument, on x86-64 and on arm64: a read of descriptor 0, and a wait for descriptors
below 1, which is what readline does."""


def waits_for_line(process: int) -> bool:
    """Does the main thread of a process stand in a read of its standard input? Linux tells, others do not."""
    try:
        with open(f"/proc/{process}/syscall") as file:
            return tuple(file.read().split()[:2]) in _READING
    except OSError:
        return False
