"""Where each pane stands, for a size of the terminal: a pure function, in one place.

Narrow: one tab at a time. Medium: the graph and the source at the left, the rest at the right, where
one slot at the side and one at the bottom take turns among several panes. Wide: a third column.
"""

from __future__ import annotations

from dataclasses import dataclass

WIDE, WIDEST = 110, 180
"""Columns from which panes stand in two columns, in three."""
LEAST = 3
"""Rows of a pane: its border and a line."""

Box = tuple[int, int, int, int]
"""x, y, width, height."""

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
}
"""By key: the pane, and a shorter word for it."""
SIDE = ("torch", "passes", "nearby")
BOTTOM = ("output", "findings", "lesson")
_TOGETHER = {"graph": [("graph", 5), ("step", 4)], "step": [("step", 5), ("ledger", 4)]}
_WEIGHTS = {"torch": 13, "passes": 18, "nearby": 13, "output": 6, "findings": 9, "lesson": 11}


@dataclass(frozen=True)
class Wish:
    """What the person wants to see."""

    tab: str = "graph"
    """The pane asked for last."""
    side: str = "torch"
    bottom: str = "output"
    lesson: bool = False
    """Has the program a text to read?"""

    def ask(self, name: str) -> Wish:
        """The wish with a pane brought forward."""
        side = name if name in SIDE else self.side
        bottom = name if name in BOTTOM else self.bottom
        return Wish(name, side, bottom, self.lesson)


def arrange(width: int, height: int, wish: Wish) -> dict[str, Box]:
    """The boxes of the panes that can be seen, in reading order."""
    if width < WIDE:
        return _stack(0, 0, width, height, _TOGETHER.get(wish.tab, [(wish.tab, 1)]))
    if width < WIDEST:
        left = round(width * 0.46)
        right = [("step", 13), ("ledger", 8), ("leaves", 10), *_pair(wish.side, wish.bottom)]
        return {
            **_stack(0, 0, left, height, [("graph", 16), ("source", 9)]),
            **_stack(left, 0, width - left, height, right),
        }
    left, middle = round(width * 0.38), round(width * 0.31)
    return {
        **_stack(0, 0, left, height, [("graph", 16), ("source", 9)]),
        **_stack(left, 0, middle, height, [("step", 13), ("ledger", 9), ("leaves", 12), *_below(wish)]),
        **_stack(left + middle, 0, width - left - middle, height, _beside(wish)),
    }


def others(name: str, width: int) -> str:
    """What else could stand in a pane's place: `6 output  7 findings  8 lesson`; '' where nothing could."""
    slot = next((slot for slot in (SIDE, BOTTOM) if name in slot), ())
    if not slot or not WIDE <= width < WIDEST:
        return ""
    return "  ".join(f"{key} {pane}" for key, (pane, _) in TABS.items() if pane in slot and pane != name)


def _pair(*names: str) -> list[tuple[str, int]]:
    return [(name, _WEIGHTS[name]) for name in names]


def _below(wish: Wish) -> list[tuple[str, int]]:
    return _pair(wish.bottom if wish.bottom != "lesson" else "output")


def _beside(wish: Wish) -> list[tuple[str, int]]:
    other = wish.side if wish.side != "torch" else "nearby"
    return [("torch", 13), (other, 13), *([("lesson", 13)] if wish.lesson else [])]


def _stack(x: int, y: int, width: int, height: int, panes: list[tuple[str, int]]) -> dict[str, Box]:
    """Panes over one another, with heights in proportion to their weights."""
    boxes: dict[str, Box] = {}
    weight, bottom = sum(w for _, w in panes), y + height
    for name, share in panes:
        tall = max(min(LEAST, bottom - y), round((bottom - y) * share / weight))
        boxes[name] = (x, y, width, tall)
        y, weight = y + tall, weight - share
    return boxes
