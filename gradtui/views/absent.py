"""What stands where a gradient would, in every pane alike.

`None` is torch's own word: a `.grad` that does not exist. The words here are for what a pass adds.
"""

from __future__ import annotations

from gradtui.trace import Pass
from gradtui.views.rows import Row, row, wrapped
from gradtui.wire.messages import Node

NOT_YET = "not yet"
"""It may still come in this pass."""
NOTHING = "nothing"
"""The pass is over, and nothing came."""
UNKNOWN = "·"
"""It is not known whether anything came, or how large it is."""
LIGHT = "not recorded"
"""Of a pass in which only breakpoints were looked for, there is the value of its root."""


def light_rows(width: int) -> list[Row]:
    """A pane of such a pass."""
    return wrapped(row((f"{LIGHT}: the program only watched for breakpoints", "dim")), width)


def word(shown: Pass, step: int) -> str:
    """For a node that no gradient has come to by a step of the pass."""
    if shown.light:
        return UNKNOWN
    over = shown.ended is not None and step >= len(shown.messages)
    return NOTHING if over else NOT_YET


def of_leaf(shown: Pass | None, node: Node) -> str:
    """For a leaf of which the size of what the pass added is not known."""
    if shown is None or shown.leaf_at(node).added is not None:
        return UNKNOWN
    return word(shown, len(shown.messages))
