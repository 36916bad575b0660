"""What a module without others in it does again and again: a cell that is called at every step of a sequence.

Told by the operations alone, so a loop inside one call is a repetition too.
"""

from __future__ import annotations

from collections.abc import Sequence

from gradtui.views.blocks import LEAST


def repeats_of(ops: Sequence[str]) -> list[int]:
    """Where each repetition begins among operations in the order of a pass; [] where there is none.

    The last need only begin like the others: a first call whose state needs no gradient sends less.
    One operation alone, again and again, is no repetition of anything.
    """
    borders = _borders(ops)
    for length in range(len(ops), len(ops) // 2, -1):
        period = length - borders[length]
        whole = length // period
        rest = len(ops) - whole * period
        begins_alike = not rest or length > whole * period
        if period > 1 and whole >= LEAST and begins_alike and rest < 2 * period:
            return [at * period for at in range(whole + (rest > 0))]
    return []


def _borders(ops: Sequence[str]) -> list[int]:
    """Of each beginning, how long the longest end of it is that it begins with (Knuth, Morris, Pratt)."""
    borders = [0] * (len(ops) + 1)
    size = 0
    for length in range(2, len(ops) + 1):
        while size and ops[length - 1] != ops[size]:
            size = borders[size]
        size += ops[length - 1] == ops[size]
        borders[length] = size
    return borders
