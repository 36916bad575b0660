"""Cards, operations and texts of an SVG: how large they are and how they are drawn.

Widths are counted in characters of a monospace font, 0.6 of its size each and a little more for what
rounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from gradtui.export.facts import Card, Operation
from gradtui.trace.names import shortened
from gradtui.views.rows import Span, width_of

LONGEST = 30
"""Characters of a title or subtitle; the whole text is in the tooltip."""
OPERATION = 34
"""Height of an operation, whose sides are half circles."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where something stands, and its size."""

    x: int
    """Of its centre, as `y`."""
    y: int
    width: int
    height: int

    @property
    def left(self) -> int:
        """Its left side."""
        return self.x - self.width // 2

    @property
    def top(self) -> int:
        """Its upper side."""
        return self.y - self.height // 2


def draw_card(card: Card, box: Box) -> list[str]:
    """A title, what made it, and the cells; a fault below."""
    x, y = box.left, box.top
    classes = ["card", card.state, *["leaf"] * card.leaf, *["fault"] * bool(card.fault)]
    corner = 14 if card.leaf else 3
    whole = " | ".join([card.title, card.subtitle, *(f"{label} {text}" for label, text in card.cells)])
    lines = [
        f'<g class="{" ".join(classes)}"><title>{escape(whole)}</title>',
        f'<rect x="{x}" y="{y}" width="{box.width}" height="{box.height}" rx="{corner}"/>',
    ]
    mark = '<tspan class="mark">▶ </tspan>' if card.state == "now" else ""
    lines.append(text_line("title", x + 12, y + 19, shortened(card.title, LONGEST), mark))
    base = y + 19
    if card.subtitle:
        base += 15
        lines.append(text_line("subtitle", x + 12, base, shortened(card.subtitle, LONGEST)))
    base += 8
    lines.append(f'<line x1="{x}" y1="{base}" x2="{x + box.width}" y2="{base}"/>')
    at = x + 12
    for i, (label, text) in enumerate(card.cells):
        if i:
            lines.append(f'<line x1="{at - 10}" y1="{base}" x2="{at - 10}" y2="{base + 24}"/>')
        lines.append(text_line("key", at, base + 16, label))
        kind = "gradient" if label == "grad" else "number"
        lines.append(text_line(kind, at + text_width(label, 10) + 6, base + 16, text))
        at += _cell_width(label, text) + 20
    if card.fault:
        lines.append(text_line("why", x + 12, base + 38, f"⚠ {card.fault}"))
    return [*lines, "</g>"]


def card_size(*cards: Card) -> tuple[int, int]:
    """A size in which each of these fits: a card now, and as it is at the end."""
    width = height = 0
    for card in cards:
        cells = [_cell_width(*cell) for cell in card.cells]
        inner = max(
            text_width("▶ " + shortened(card.title, LONGEST), 13),
            text_width(shortened(card.subtitle, LONGEST), 11),
            sum(cells) + 20 * (len(cells) - 1),
            text_width(f"⚠ {card.fault}", 11) if card.fault else 0,
        )
        width = max(width, inner + 24)
        height = max(height, 52 + 15 * bool(card.subtitle) + 22 * bool(card.fault))
    return width + width % 2, height + height % 2


def _cell_width(label: str, text: str) -> int:
    return text_width(label, 10) + 6 + text_width(text, 12)


def draw_operation(operation: Operation, box: Box) -> list[str]:
    """Its word in a circle, or in a longer shape with round ends."""
    text = shortened(operation.text, LONGEST)
    return [
        f'<g class="operation {operation.state}"><title>{escape(operation.text)}</title>',
        f'<rect x="{box.left}" y="{box.top}" width="{box.width}" height="{box.height}"'
        f' rx="{OPERATION // 2}"/>',
        text_line("op", box.x, box.y + 5, text),
        "</g>",
    ]


def operation_size(operation: Operation) -> tuple[int, int]:
    """A circle for a sign, longer for a word."""
    width = max(OPERATION, text_width(shortened(operation.text, LONGEST), 14) + 20)
    return width + width % 2, OPERATION


# ------------------------------------------------------------------------- text


def label_width(text: str) -> int:
    """Of what stands on an arrow, with room at both ends."""
    width = text_width(text, 11) + 10
    return width + width % 2


def text_width(text: str, size: int) -> int:
    """Pixels, rounded up: a monospace character is about 0.6 of its size wide, a wide one twice that."""
    return -(-width_of((Span(text),)) * size * 62 // 100)


def text_line(kind: str, x: int, y: int, text: str, mark: str = "") -> str:
    """One line of text; `x` is its left end (or its middle), `y` its baseline."""
    return f'<text class="{kind}" x="{x}" y="{y}" xml:space="preserve">{mark}{escape(text)}</text>'
