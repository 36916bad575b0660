"""Writes what a node computes as maths, from the names of its operands."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

_SIGNS = {"+": 1, "-": 1, "*": 2, "/": 2, "@": 2}
WIDEST = 40
"""Longer expressions are not written out."""


def written_out(op: str, operands: Iterable[str | None]) -> str | None:
    """The expression `op(operands)` as maths: `x1*w1 + b`, `tanh(n)`, `x**2`. None if too long or unknown."""
    return _expression(op, tuple(operands))


@lru_cache(maxsize=8_192)  # a loop writes out the same expressions in every pass
def _expression(op: str, operands: tuple[str | None, ...]) -> str | None:
    if not operands or any(o is None for o in operands):
        return None
    names = [o for o in operands if o is not None]
    if sum(map(len, names)) > WIDEST:
        return None
    text = None
    if op in _SIGNS and len(names) == 2:
        level = _SIGNS[op]
        left = names[0] if _level(names[0]) >= level else f"({names[0]})"
        strict = level + (op in "-/")
        plain = _level(names[1]) >= strict and not names[1].startswith("-")
        right = names[1] if plain else f"({names[1]})"
        text = f"{left} {op} {right}" if level == 1 else f"{left}{op}{right}"
    elif op.startswith("**"):
        base = names[0] if _level(names[0]) >= 4 else f"({names[0]})"
        exponent = op[2:] or (names[1] if len(names) == 2 else "?")
        text = f"{base}**{exponent}" if op[2:] or _level(exponent) >= 4 else f"{base}**({exponent})"
    elif op in ("neg", "-") and len(names) == 1:
        text = f"-{names[0]}" if _level(names[0]) >= 2 else f"-({names[0]})"
    elif op.isidentifier():
        text = f"{op.lower() if op.lower() == 'relu' else op}({', '.join(names)})"
    return text if text is not None and len(text) <= WIDEST else None


def _level(text: str) -> int:
    """How tightly an expression binds: 1 sum, 2 product, 3 sign, 4 power or atom."""
    depth, level = 0, 4
    for i, char in enumerate(text):
        if char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif depth == 0:
            if char == " ":
                return 1
            if char in "*/@" and text[i : i + 2] != "**" and text[i - 1 : i + 1] != "**":
                level = min(level, 2)
            elif char == "*" or (char == "-" and i == 0):
                level = min(level, 3)
    return level
