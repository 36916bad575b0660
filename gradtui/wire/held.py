"""What a program prints while the screen has its terminal: kept in a file, and printed afterwards.

The file's read position belongs to program and debugger together (they share the open file): whoever reads
on prints what was read, so that nothing is printed twice, and nothing is lost when one of them dies.
"""

from __future__ import annotations

import os
import select

PIECE = 1 << 16
"""Bytes copied at once."""


def print_on(source: int, target: int) -> None:
    """Copy what has not been printed yet. A target that nobody reads any more gets nothing."""
    while data := os.read(source, PIECE):
        try:
            _write(target, data)
        except OSError as error:
            if error.errno is None:
                raise  # a signal handler's own `TimeoutError`


def _write(target: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(target, data) :]
        except BlockingIOError:
            select.select([], [target], [])
