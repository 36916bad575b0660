"""What the program printed, as a terminal would show it: the newest lines, and how many were let go."""

from __future__ import annotations

import re
from collections import deque

from gradtui.wire.messages import Output

KEPT = 5_000
"""Lines kept in memory; a recording keeps them all."""
LONGEST = 4_000
"""Characters kept of one line."""
PAGE = 24
"""Lines that a terminal would show: the cursor goes up no farther, and a cleared page is that high."""

_ESCAPE = r"""
    \x1b \[ [0-?]* [ -/]* [@-~]                              # to move, erase, colour
  | \x1b [\]PX^_] [^\x07\x1b]* (?: \x07 | \x1b\\ )           # titles, links
  | \x1b [ -/]* [0-~]
"""
_PIECES = re.compile(rf"[^\n\r\b\x07\x0e\x0f\x1b]+ | {_ESCAPE} | [\n\r\b\x07\x0e\x0f\x1b]", re.VERBOSE)
_CUT = re.compile(r"\x1b (?: \[ [0-?]* [ -/]* | [\]PX^_] [^\x07\x1b]* \x1b? | [ -/]* ) \Z", re.VERBOSE)
"""The beginning of an escape sequence, at the end of a text."""


class OutputLog:
    """Lines of both streams, as they came, with one cursor for both.

    Carriage returns, backspaces and the escape sequences that move the cursor or erase do what they do in
    a terminal; others, colours among them, are left out. Unlike there, lines are not broken, and a stream
    never writes into a line of the other one: it begins a line of its own.
    """

    def __init__(self) -> None:
        self.lines: deque[tuple[str, str]] = deque(maxlen=KEPT)
        """(stream, text) without the newline; the last ones may still change."""
        self.dropped = 0
        """Lines let go."""
        self.version = 0
        """Grows with every change, so that a reader can tell whether to look again."""
        self._row = self._column = 0
        """The cursor; a row below the last line is there once something is written in it."""
        self._top = 0
        """The page's first row."""
        self._cut: dict[str, str] = {}
        """By stream: an escape sequence that is not whole yet."""

    def add(self, event: Output) -> None:
        """Append a piece of output."""
        self.version += 1
        stream, text = event.stream, self._cut.pop(event.stream, "") + event.text
        cut = _CUT.search(text) if "\x1b" in text else None
        if cut is not None and len(cut[0]) < LONGEST:
            self._cut[stream], text = cut[0], text[: cut.start()]
        for piece in _PIECES.findall(text):
            match piece[0]:
                case "\n":
                    if self._row == len(self.lines):
                        self._append(stream)
                    self._row, self._column = self._row + 1, 0
                case "\r":
                    self._column = 0
                case "\b":
                    self._column = max(0, self._column - 1)
                case "\x1b":
                    self._obey(piece)
                case "\x07" | "\x0e" | "\x0f":  # a bell, other character sets
                    pass
                case _:
                    self._write(stream, piece)
        self._trim()

    @property
    def text(self) -> str:
        """Everything kept, as one text."""
        return "\n".join(line for _, line in self.lines)

    # ----------------------------------------------------------------- writing

    def _append(self, stream: str) -> None:
        if len(self.lines) == KEPT:
            self.dropped += 1
            self._row -= 1
            self._top -= 1
        self.lines.append((stream, ""))
        self._top = max(self._top, len(self.lines) - PAGE)

    def _write(self, stream: str, text: str) -> None:
        if self._row < len(self.lines):
            owner, before = self.lines[self._row]
            if owner != stream and before.strip():
                self._row, self._column = len(self.lines), 0
        if self._row == len(self.lines):
            self._append(stream)
            before = ""
        column = self._column
        after = before[column + len(text) :]
        self.lines[self._row] = (stream, (before[:column].ljust(column) + text + after)[:LONGEST])
        self._column = min(column + len(text), LONGEST)

    def _trim(self) -> None:
        """Empty lines below the cursor are as good as none."""
        while len(self.lines) > self._row + 1 and not self.lines[-1][1]:
            self.lines.pop()

    # ----------------------------------------------------------------- obeying

    def _obey(self, sequence: str) -> None:
        """Move the cursor or erase; other sequences do nothing."""
        if not sequence.startswith("\x1b[") or sequence[2:3] in "<=>?":
            return
        numbers = [int(part) if part.isdecimal() else 0 for part in sequence[2:-1].split(";")]
        number = max(1, numbers[0])
        match sequence[-1]:
            case "A" | "F" as up:
                self._move(self._row - number, 0 if up == "F" else self._column)
            case "B" | "E" as down:
                self._move(self._row + number, 0 if down == "E" else self._column)
            case "C":
                self._move(self._row, self._column + number)
            case "D":
                self._move(self._row, self._column - number)
            case "G":
                self._move(self._row, number - 1)
            case "H" | "f":
                self._move(self._top + number - 1, (numbers[1] if len(numbers) > 1 else 1) - 1)
            case "J":
                self._erase_page(numbers[0])
            case "K" | "X" | "P" | "@" as what:
                self._edit(what, numbers[0])

    def _move(self, row: int, column: int) -> None:
        self._row = min(max(row, self._top), len(self.lines))
        self._column = min(max(column, 0), LONGEST)

    def _erase_page(self, how: int) -> None:
        """Below the cursor (0) or above it (1). Where all of it goes (2, 3), a new page begins, and what was
        there is kept."""
        if how > 1:
            self._row, self._column = len(self.lines), 0
            self._top = self._row
            return
        if how == 0:
            while len(self.lines) > self._row + 1:
                self.lines.pop()
        else:
            for row in range(self._top, min(self._row, len(self.lines))):
                self.lines[row] = (self.lines[row][0], "")
        self._edit("K", how)

    def _edit(self, what: str, number: int) -> None:
        """Change the cursor's own line, if there is one."""
        if self._row < len(self.lines):
            stream, text = self.lines[self._row]
            self.lines[self._row] = (stream, _edited(text, self._column, what, number))


def _edited(text: str, column: int, what: str, number: int) -> str:
    """A line of which something is erased (K, X), taken out (P) or which is moved apart (@) at the cursor."""
    count = min(max(1, number), LONGEST)
    before, after = text[:column], text[column:]
    match what, number:
        case "K", 0:
            return before
        case "K", 1:
            return " " * len(before + after[:1]) + after[1:]
        case "K", _:
            return ""
        case "X", _:
            return before + " " * len(after[:count]) + after[count:]
        case "P", _:
            return before + after[count:]
    return (before + " " * count + after)[:LONGEST] if after else before
