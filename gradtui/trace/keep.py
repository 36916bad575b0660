"""How much of a run is kept to travel in: a number of bytes, as people write it.

Passes are kept whole, the newest first, within that many bytes; see `passes.py`. Of every pass, kept
or let go, its loss and a line for each of its leaves stay; see `lines.py`.
"""

from __future__ import annotations

import re

KEEP = 512 << 20
"""What is kept where nobody says otherwise: about 70,000 passes of a net with 4 parameters, or 4,000 of
a 6-layer transformer."""
PASSING = 32 << 20
"""What a face keeps that looks at each step once, as it comes: enough for what findings ask about."""
LEAST = 1 << 20
"""Less than this keeps hardly a pass."""
SHARE = 4
"""One part in so many is for the lines of the leaves, and one for passes that are held for their findings."""

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Bytes from `512MB`, `1GB`, `1.5g`, `20000000`; a kilobyte is 1,024 bytes.

    Raises `ValueError` that says what would be one.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is no size: write 512MB or 2GB")
    size = float(match[1]) * _UNITS[match[2].upper()]
    if not LEAST <= size < 1 << 60:
        raise ValueError(f"'{text}' is too {'little' if size < LEAST else 'much'}: write 512MB or 2GB")
    return int(size)


def size_text(size: int) -> str:
    """`512MB`: as it would be written, in the largest unit that divides it well."""
    for unit in ("T", "G", "M", "K"):
        if size >= _UNITS[unit]:
            return f"{size / _UNITS[unit]:.3g}{unit}B"
    return f"{size} bytes"
