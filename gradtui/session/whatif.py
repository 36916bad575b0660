"""What a person writes to have the program go on with another gradient, or with another value of a leaf."""

from __future__ import annotations

import re

from gradtui.session.errors import BadInput

_ASSIGNED = re.compile(r"\s*(?:(leaf)|g|received\[(\d+)\])\s*=(?!=)\s*(.+)", re.DOTALL)
HOW = "g = g.clamp(-1, 1), received[1] = 0*g, or leaf = 0.5*leaf"


def is_what_if(text: str) -> bool:
    """Does it begin as one?"""
    return _ASSIGNED.match(text) is not None


def parse(text: str) -> tuple[int | None, str]:
    """Which received gradient (None: the leaf), and the expression. Raises `BadInput`."""
    found = _ASSIGNED.fullmatch(text)
    if found is None:
        raise BadInput(f"'{text.strip()}' replaces nothing: write {HOW}")
    again = _ASSIGNED.fullmatch(found[3])
    if again is not None:  # typed behind one that stood there
        found = again
    return (None if found[1] else int(found[2] or 0)), found[3].strip()
