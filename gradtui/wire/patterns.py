"""Whether a name, an op or a module is what a breakpoint calls it."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import lru_cache

_SUFFIX = re.compile(r"Backward\d*$")


def fits(text: str | None, pattern: str) -> bool:
    """Does a text, or the end of a dotted path, look like that? `fc2.*` fits `net.fc2.weight`."""
    if text is None:
        return False
    text, pattern = text.lower(), pattern.lower()
    return text == pattern or fnmatchcase(text, pattern) or fnmatchcase(text, "*." + pattern)


def short_op(op: str) -> str:
    """`Relu` of `ReluBackward0`."""
    return _SUFFIX.sub("", op)


@lru_cache(1 << 12)
def fits_op(op: str, pattern: str) -> bool:
    """`Relu` and `relu*` fit `ReluBackward0`."""
    return fits(op, pattern) or fits(short_op(op), pattern)
