"""What the program printed: the newest part, in lines, and how much was let go."""

from __future__ import annotations

from collections import deque

from gradtui.wire.messages import Output

KEPT = 5_000
"""Lines kept in memory; a recording keeps them all."""
LONGEST = 4_000
"""Characters kept of one line."""


class OutputLog:
    """Lines of both streams, as they came; a carriage return rewrites its line, as a terminal would."""

    def __init__(self) -> None:
        self.lines: deque[tuple[str, str]] = deque(maxlen=KEPT)
        """(stream, text) without the newline; the last one may still grow."""
        self.dropped = 0
        self.version = 0
        """Grows with every change, so that a reader can tell whether to look again."""
        self._open: dict[str, bool] = {}

    def add(self, event: Output) -> None:
        """Append a piece of output."""
        self.version += 1
        for piece in event.text.splitlines(keepends=True):
            text = piece.rstrip("\r\n")
            last = self.lines[-1] if self.lines else None
            if last is not None and last[0] == event.stream and self._open.get(event.stream):
                grown = text if self._open[event.stream] == "rewrite" else last[1] + text
                self.lines[-1] = (event.stream, grown[:LONGEST])
            else:
                self.dropped += len(self.lines) == KEPT
                self.lines.append((event.stream, text[:LONGEST]))
            self._open[event.stream] = not piece.endswith(("\n", "\x0b", "\x0c"))
            if piece.endswith("\r"):
                self._open[event.stream] = True

    @property
    def text(self) -> str:
        """Everything kept, as one text."""
        return "\n".join(line for _, line in self.lines)
