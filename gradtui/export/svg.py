"""A picture as a standalone SVG: no scripts, no fonts of its own, the same file for the same picture.

Places are those of the pass's end, so pictures of different steps can be laid over each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from math import sqrt

from gradtui.export.cards import (
    OPERATION,
    Box,
    card_size,
    draw_card,
    draw_operation,
    label_width,
    operation_size,
    text_line,
    text_width,
)
from gradtui.export.colours import ACCENT, ERROR, LEAF, MARKED, PALE, PAPER, SOFT, TEXT, VALUE
from gradtui.export.facts import Card, Link, Picture
from gradtui.views.layers import Gaps, Layout, layout

MARGIN = 24
HEAD = 44
"""Height of the caption."""
GAPS = Gaps(beside=18, line=12, between=20, steep=70)
PORT = 9
"""Between two edges at one side of a card or an operation."""

STYLE = f"""
svg {{ background: {PAPER} }}
text {{ font-family: "DejaVu Sans Mono", Menlo, Consolas, "Liberation Mono", monospace; font-size: 12px;
  fill: {TEXT} }}
.caption {{ font-size: 14px; font-weight: bold }} .remark {{ fill: {SOFT} }}
.title {{ font-size: 13px; font-weight: bold }} .subtitle {{ font-size: 11px; fill: {SOFT} }}
.key {{ font-size: 10px; fill: {SOFT} }} .gradient {{ fill: {VALUE}; font-weight: bold }}
.op {{ font-size: 14px; font-weight: bold; text-anchor: middle }} .mark {{ fill: {ACCENT} }}
.sent {{ font-size: 11px; fill: {SOFT}; text-anchor: middle }}
rect, line {{ fill: #ffffff; stroke: {SOFT}; stroke-width: 1.2 }}
line {{ stroke-width: 0.8; stroke-opacity: 0.6 }}
.leaf rect {{ fill: {LEAF} }}
path {{ fill: none; stroke: {SOFT}; stroke-width: 1.3 }} .head {{ fill: {SOFT}; stroke: none }}
.waiting rect, .waiting line {{ stroke: {PALE}; stroke-dasharray: 4 3 }} .waiting text {{ fill: {PALE} }}
path.waiting {{ stroke: {PALE}; stroke-dasharray: 4 3 }} .head.waiting {{ fill: {PALE} }}
.now rect {{ fill: {MARKED}; stroke: {ACCENT}; stroke-width: 2.5 }} .now line {{ stroke: {ACCENT} }}
path.now {{ stroke: {ACCENT}; stroke-width: 2.2 }} .head.now {{ fill: {ACCENT} }}
.sent.now {{ fill: {ACCENT}; font-weight: bold }}
path.fault {{ stroke: {ERROR} }} .head.fault {{ fill: {ERROR} }}
.sent.fault, .fault text.why {{ fill: {ERROR} }}
text.why {{ font-size: 11px; font-weight: bold }} .fault rect {{ stroke: {ERROR}; stroke-width: 2 }}
path.stray {{ stroke-dasharray: 1.5 3.5 }}
.under {{ fill: {PAPER}; stroke: none }}
""".strip()


def svg(picture: Picture, end: Picture | None = None) -> str:
    """The picture as the text of an SVG file; `end`, the same pass at its end, gives the places.

    Raises `layers.TooLarge` where the edges need too many bends.
    """
    plan = _Plan(picture, end or picture)
    where = plan.where
    captions = (picture.caption, picture.remark)
    width = max(where.width, *(text_width(text, 14) for text in captions)) + 2 * MARGIN
    arcs = 24 * any(link.stray for link in picture.links)
    height = where.height + HEAD + 2 * MARGIN + arcs
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="img">',
        f"<title>{escape(': '.join(captions))}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="under" width="{width}" height="{height}"/>',
        text_line("caption", MARGIN, MARGIN + 10, picture.caption),
        text_line("remark", MARGIN, MARGIN + 28, picture.remark),
        f'<g transform="translate({MARGIN} {MARGIN + HEAD})">',
        *plan.edges(),
        *(line for card in picture.cards for line in draw_card(card, plan.box(card.key))),
        *(
            line
            for operation in picture.operations
            for line in draw_operation(operation, plan.box(operation.key))
        ),
        "</g>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class _Plan:
    """What stands where. Each label is a box of its own between the ends of its edge, so none overlap."""

    def __init__(self, picture: Picture, end: Picture) -> None:
        now: dict[str, Card] = {card.key: card for card in picture.cards}
        sizes = [card_size(card, now[card.key]) for card in end.cards]
        sizes += [operation_size(operation) for operation in end.operations]
        keys = [card.key for card in end.cards] + [operation.key for operation in end.operations]
        self._index = {key: i for i, key in enumerate(keys)}
        self._sizes = sizes
        self._links = [link for link in picture.links if not link.stray]
        self._strays = [link for link in picture.links if link.stray]
        self._label: list[int | None] = []
        """For each link the index of its label's box."""
        edges: list[tuple[int, int]] = []
        self._first: list[int] = []
        """For each link its first edge."""
        for link, later in zip(self._links, (link for link in end.links if not link.stray)):
            source, target = self._index[link.source], self._index[link.target]
            self._first.append(len(edges))
            if later.carries:
                self._label.append(len(sizes))
                edges += [(source, len(sizes)), (len(sizes), target)]
                sizes.append((max(label_width(link.text), label_width(later.text)), 16))
            else:
                self._label.append(None)
                edges.append((source, target))
        self._edges = edges
        self.where: Layout = layout(sizes, edges, GAPS)
        self._out = self._ports(leaving=True)
        self._in = self._ports(leaving=False)

    def box(self, key: str) -> Box:
        """The place of a card or an operation."""
        return self._box(self._index[key])

    def _box(self, i: int) -> Box:
        return Box(self.where.x[i], self.where.y[i], *self._sizes[i])

    def _ports(self, leaving: bool) -> dict[int, int]:
        """How far from the middle of its box's side each edge begins, or ends; none cross there."""
        at_box: defaultdict[int, defaultdict[object, list[int]]] = defaultdict(lambda: defaultdict(list))
        for e, (source, target) in enumerate(self._edges):
            shared = self.where.bends[e][0] if leaving and self.where.bends[e] else e  # one way, one port
            at_box[source if leaving else target][shared].append(e)
        ports: dict[int, int] = {}
        for box, groups in at_box.items():
            heights = {key: self._next_height(group[0], leaving) for key, group in groups.items()}
            ends = sorted(groups, key=lambda key: heights[key])
            apart = min(PORT, (self._sizes[box][1] - 12) // max(1, len(ends) - 1))
            spread = [(2 * i - len(ends) + 1) * apart // 2 for i in range(len(ends))]
            level = [max(-PORT, min(PORT, heights[key] - self.where.y[box])) for key in ends]
            if len(ends) > 1 and all(b - a >= PORT for a, b in pairwise(level)):
                spread = level  # so the one that comes straight stays straight
            ports.update({e: at for key, at in zip(ends, spread) for e in groups[key]})
        return ports

    def _next_height(self, e: int, leaving: bool) -> int:
        bends = self.where.bends[e]
        if bends:
            return bends[0][1] if leaving else bends[-1][1]
        return self.where.y[self._edges[e][leaving]]

    # ----------------------------------------------------------------- edges

    def edges(self) -> Iterable[str]:
        """Links with their labels; those of the current step last, on top of the others."""
        order = sorted(
            range(len(self._links)), key=lambda i: ("waiting", "done", "now").index(self._links[i].state)
        )
        for i in order:
            link, label, e = self._links[i], self._label[i], self._first[i]
            points = self._way(e)
            if label is not None:
                points += self._way(e + 1)
            yield _arrow(link, _curve(points), points[-1])
        for i in order:
            link, label = self._links[i], self._label[i]
            if label is not None and link.text:
                box = self._box(label)
                yield _label(link, box.x, box.y)
        for link in self._strays:
            yield from self._stray(link)

    def _way(self, e: int) -> list[tuple[int, int]]:
        """The points of an edge: from side to side straight through each layer, a curve between layers."""
        source, target = self._edges[e]
        start, end = self._box(source), self._box(target)
        columns = self.where.columns
        out, into = self._out[e], self._in[e]
        points = [
            (_side(start, out, +1), start.y + out),
            (columns[self.where.layer[source]][1], start.y + out),
        ]
        for layer, y in self.where.bends[e]:
            points += [(columns[layer][0], y), (columns[layer][1], y)]
        points += [(columns[self.where.layer[target]][0], end.y + into), (_side(end, into, -1), end.y + into)]
        return points

    def _stray(self, link: Link) -> Iterable[str]:
        """A write along no edge: an arc below both ends."""
        a, b = self.box(link.source), self.box(link.target)
        low = max(a.y + a.height // 2, b.y + b.height // 2) + 18
        start, end = (a.x, a.y + a.height // 2), (b.x, b.y + b.height // 2)
        path = f"M{start[0]} {start[1]}C{start[0]} {low} {end[0]} {low} {end[0]} {end[1]}"
        classes = _classes(link)
        yield f'<path class="{classes}" d="{path}"/>'
        if link.text:
            yield _label(link, (a.x + b.x) // 2, (start[1] + 6 * low + end[1]) // 8)


def _side(box: Box, offset: int, direction: int) -> int:
    """Where an edge meets the side of a box; an operation's side is a half circle."""
    half = box.width // 2
    if box.height == OPERATION:
        radius = OPERATION // 2
        half -= radius - round(sqrt(max(0, radius**2 - offset**2)))
    return box.x + direction * half


def _curve(points: Sequence[tuple[int, int]]) -> str:
    """Straight on a level, between levels an S with level ends."""
    parts = ["M{} {}".format(*points[0])]
    for (x, y), (to_x, to_y) in pairwise(points):
        middle = (x + to_x) // 2
        if y == to_y:
            if parts[-1].startswith("H"):
                parts.pop()
            parts.append(f"H{to_x}")
        else:
            parts.append(f"C{middle} {y} {middle} {to_y} {to_x} {to_y}")
    return "".join(parts)


def _arrow(link: Link, path: str, tip: tuple[int, int]) -> str:
    x, y = tip
    classes = _classes(link)
    return f'<path class="{classes}" d="{path}"/><path class="head {classes}" d="M{x} {y}l-7 -3.5v7z"/>'


def _classes(link: Link) -> str:
    return " ".join([link.state, *["fault"] * link.fault, *["stray"] * link.stray])


def _label(link: Link, x: int, y: int) -> str:
    width = label_width(link.text)
    return f'<rect class="under" x="{x - width // 2}" y="{y - 8}" width="{width}" height="16"/>' + text_line(
        f"sent {_classes(link)}", x, y + 4, link.text
    )
