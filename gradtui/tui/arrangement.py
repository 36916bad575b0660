"""Where each pane stands, for a size of the terminal: a pure function, in one place.

Narrow: one tab at a time. Medium: graph, source and lesson at the left, the rest at the right, where
one slot at the side and one at the bottom take turns among several panes. Wide: a third column.

Panes over one another share the rows by weight, but none takes more than it wants while another one
wants more. What a pane wants is known for a whole pass, so nothing moves from step to step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

WIDE, WIDEST = 110, 180
"""Columns from which panes stand in two columns, in three."""
LEAST = 3
"""Rows of a pane: its border and a line."""

BESIDE = 4
"""Columns of a pane that its text has not: the border, a space, the scrollbar."""

Box = tuple[int, int, int, int]
"""x, y, width, height."""
Wanted = Mapping[str, int]
"""Rows that a pane has use for, with its border; of a pane that is not named, as many as there are."""

TABS: dict[str, tuple[str, str]] = {
    "1": ("graph", "graph"),
    "2": ("step", "step"),
    "3": ("leaves", "leaf"),
    "4": ("torch", "torch"),
    "5": ("source", "code"),
    "6": ("output", "out"),
    "7": ("findings", "find"),
    "8": ("lesson", "text"),
    "9": ("passes", "pass"),
    "0": ("nearby", "near"),
    "-": ("norms", "norm"),
}
"""By key: the pane, and a shorter word for it."""
SIDE = ("torch", "passes", "nearby", "norms")
BOTTOM = ("output", "findings", "lesson")
_TOGETHER = {"graph": ("graph", "step"), "step": ("step", "ledger")}
_WEIGHTS = {
    "graph": 16,
    "source": 9,
    "step": 13,
    "ledger": 9,
    "leaves": 11,
    "torch": 13,
    "passes": 18,
    "nearby": 13,
    "norms": 18,
    "output": 6,
    "findings": 9,
    "lesson": 12,
}


@dataclass(frozen=True)
class Wish:
    """What the person wants to see."""

    tab: str = "graph"
    """The pane asked for last."""
    side: str = "torch"
    bottom: str = "output"
    lesson: bool = False
    """Has the program a text to read? Then it has a place of its own, where there is room for columns."""
    alone: str | None = None
    """The pane that has the whole area to itself."""

    def ask(self, name: str) -> Wish:
        """The wish with a pane brought forward; it takes the place of one that stands alone."""
        side = name if name in SIDE else self.side
        taken = name in BOTTOM and not (name == "lesson" and self.lesson)
        bottom = name if taken else self.bottom
        return Wish(name, side, bottom, self.lesson, name if self.alone is not None else None)

    def maximized(self, name: str | None) -> Wish:
        """The wish with one pane alone, or with all of them again."""
        return replace(self, alone=name)


def arrange(width: int, height: int, wish: Wish, wanted: Wanted | None = None) -> dict[str, Box]:
    """The boxes of the panes that can be seen, in reading order."""
    wants = wanted or {}
    if wish.alone is not None:
        return {wish.alone: (0, 0, width, height)}
    if width < WIDE:
        return _stack(0, 0, width, height, _TOGETHER.get(wish.tab, (wish.tab,)), wants)
    text = ("lesson",) if wish.lesson else ()
    if width < WIDEST:
        left = round(width * 0.46)
        right = ("step", "ledger", "leaves", wish.side, wish.bottom)
        return {
            **_stack(0, 0, left, height, ("graph", "source", *text), wants),
            **_stack(left, 0, width - left, height, right, wants),
        }
    left, middle = round(width * 0.38), round(width * 0.31)
    other = wish.side if wish.side != "torch" else "nearby"
    below = wish.bottom if wish.bottom != "lesson" else "output"
    return {
        **_stack(0, 0, left, height, ("graph", "source"), wants),
        **_stack(left, 0, middle, height, ("step", "ledger", "leaves", below), wants),
        **_stack(left + middle, 0, width - left - middle, height, ("torch", other, *text), wants),
    }


def output_columns(width: int, height: int) -> int:
    """Columns of text that the output pane has beside others: what the program's terminal is made to have."""
    return arrange(width, height, Wish(tab="output"))["output"][2] - BESIDE


def others(name: str, width: int, lesson: bool = False) -> str:
    """What else could stand in a pane's place: `6 output  7 findings`; '' where nothing could."""
    slot = next((slot for slot in (SIDE, BOTTOM) if name in slot), ())
    if not slot or not WIDE <= width < WIDEST or (lesson and name == "lesson"):
        return ""
    shown = [(key, pane) for key, (pane, _) in TABS.items() if pane in slot and pane != name]
    return "  ".join(f"{key} {pane}" for key, pane in shown if not (lesson and pane == "lesson"))


def _stack(x: int, y: int, width: int, height: int, panes: tuple[str, ...], wanted: Wanted) -> dict[str, Box]:
    """Panes over one another: each its least, then row by row the one that has least for its weight."""
    rows = dict.fromkeys(panes, 0)
    for _ in range(height):
        short = [n for n in panes if rows[n] < LEAST]
        open_ = [n for n in panes if n not in wanted or rows[n] < wanted[n]]
        name = min(short or open_ or panes, key=lambda n: (rows[n] / _WEIGHTS[n], panes.index(n)))
        rows[name] += 1
    boxes: dict[str, Box] = {}
    for name, tall in rows.items():
        boxes[name] = (x, y, width, tall)
        y += tall
    return boxes
