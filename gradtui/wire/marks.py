"""Marks in what a program writes to its terminal: they say where a message of its stands in that text.

What Python prints comes as messages, what is written past Python (a prompt, an echo, a child's
progress) comes by the terminal. Before the nth `Output` message the probe writes mark n to the terminal,
so that the debugger can put both in order. A mark is an escape sequence that terminals take no notice of.
"""

from __future__ import annotations

import re

MARK = re.compile(rb"\x1b_gradtui;(\d+)\x1b\\")
CUT = re.compile(rb"\x1b(?:_[^\x1b]{0,24}\x1b?)?\Z")
"""What may be the beginning of a mark, at the end of a text."""


def mark(number: int) -> bytes:
    """The mark of the `Output` message of that number; they count from 1."""
    return b"\x1b_gradtui;%d\x1b\\" % number
