"""Descriptors: what they stand for, and ours kept out of the program's way."""

from __future__ import annotations

import fcntl
import os

OUT_OF_THE_WAY = 200
"""They move here: a program's first file is still number 3, and one that closes all it inherited and opens
others finds none of ours in their place."""


def away(descriptor: int) -> int:
    """The same file under a high number, closed in programs that this one starts; the low one is free."""
    try:
        moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, OUT_OF_THE_WAY)
    except OSError:  # fewer descriptors are allowed than that
        os.set_inheritable(descriptor, False)
        return descriptor
    os.close(descriptor)
    return moved


def identity(descriptor: int) -> tuple[int, int] | None:
    """Which file a descriptor stands for; None if it is closed."""
    try:
        state = os.fstat(descriptor)
    except OSError:
        return None
    return state.st_dev, state.st_ino
