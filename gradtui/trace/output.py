"""What the program printed: the newest part, in lines, and how much was let go."""

from __future__ import annotations

import re
from collections import deque

from gradtui.wire.messages import Output

KEPT = 5_000
"""Lines kept in memory; a recording keeps them all."""
LONGEST = 4_000
"""Characters kept of one line."""

_PIECES = re.compile(r"[^\r\n]+|\r\n|[\r\n]")


class OutputLog:
    """Lines of both streams, as they came; a carriage return rewrites its line, as a terminal would."""

    def __init__(self) -> None:
        self.lines: deque[tuple[str, str]] = deque(maxlen=KEPT)
        """(stream, text) without the newline; the last one may still grow."""
        self.dropped = 0
        """Lines let go."""
        self.version = 0
        """Grows with every change, so that a reader can tell whether to look again."""
        self._open: str | None = None
        """The stream whose line is the last one and still grows."""
        self._returned = False
        """Was a carriage return the last thing on it? Then what comes next rewrites it."""

    def add(self, event: Output) -> None:
        """Append a piece of output."""
        self.version += 1
        if event.stream != self._open:
            self._open, self._returned = None, False
        for piece in _PIECES.findall(event.text):
            if piece in ("\n", "\r\n"):
                if self._open is None:
                    self._begin(event.stream)
                self._open, self._returned = None, False
            elif piece == "\r":
                self._returned = self._open is not None
            else:
                self._write(event.stream, piece)

    def _begin(self, stream: str) -> None:
        self.dropped += len(self.lines) == KEPT
        self.lines.append((stream, ""))
        self._open = stream

    def _write(self, stream: str, text: str) -> None:
        if self._open is None:
            self._begin(stream)
        before = "" if self._returned else self.lines[-1][1]
        self.lines[-1] = (stream, (before + text)[:LONGEST])
        self._returned = False

    @property
    def text(self) -> str:
        """Everything kept, as one text."""
        return "\n".join(line for _, line in self.lines)
