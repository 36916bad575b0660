"""Curves in braille: eight dots a cell, nice ticks at the left, several lines told apart without colour.

A plot is `height` rows: the dots, and an axis below them. A column that stands for several points
shows their smallest and largest, so a single spike among 50,000 points is seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gradtui.views.rows import Role, Row, Span, right
from gradtui.views.scale import Scale, scale_of, tick_text

DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The dots of a cell: left and right column, from the top."""
PATTERNS = ("1", "111100", "100", "11110100")
"""Which dot columns a line draws, again and again: solid, dashed, dotted, dash and dot."""
SAMPLES = ("━━━", "╺╸╺", "┄┄┄", "╺┄╸")
"""The same in a legend."""


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: its points at x = 0, 1, 2, ...; NaN and Inf leave a gap."""

    points: Sequence[float]
    letter: str = ""
    """Drawn behind its last point, and in the legend."""
    role: Role = "name"
    pattern: int = 0
    """Index of `PATTERNS`."""


Extent = tuple[float, float] | None
"""Smallest and largest of the points of one dot column; None where there is none."""


# ------------------------------------------------------------------------ columns


def extents(points: Sequence[float], columns: int, total: int, scale: Scale) -> list[Extent]:
    """The points of each dot column, of `total` points over `columns` columns.

    With fewer points than columns the straight line between two neighbours is drawn.
    """
    if total > columns:
        return [
            extent_of(points[c * total // columns : (c + 1) * total // columns])
            if c * total // columns < len(points)
            else None
            for c in range(columns)
        ]
    return _between(points, columns, total, scale)


def extent_of(points: Sequence[float]) -> Extent:
    """Smallest and largest of the finite points."""
    # min and max pass over a NaN, unless it stands first: then the answer is NaN.
    if not len(points):
        return None
    low, high = min(points), max(points)
    if not (math.isfinite(low) and math.isfinite(high)):
        finite = [p for p in points if math.isfinite(p)]
        return (min(finite), max(finite)) if finite else None
    return low, high


def _between(points: Sequence[float], columns: int, total: int, scale: Scale) -> list[Extent]:
    found: list[Extent] = [None] * columns
    before: tuple[int, float] | None = None
    for i, point in enumerate(points):
        if not math.isfinite(point):
            before = None
            continue
        at = column_of(i, columns, total)
        for c in range(before[0] + 1 if before else at, at):
            assert before is not None
            value = scale.between(before[1], point, (c - before[0]) / (at - before[0]))
            found[c] = value, value
        found[at] = point, point
        before = at, point
    return found


def column_of(i: int, columns: int, total: int) -> int:
    """The dot column of point `i`."""
    if total > columns:
        return min(columns - 1, ((i + 1) * columns - 1) // total)
    return round(i * (columns - 1) / (total - 1)) if total > 1 else 0


# ------------------------------------------------------------------------ drawing


class _Canvas:
    """Dots and the role of each cell; the line drawn first keeps a shared cell."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.dots = [bytearray(width) for _ in range(height)]
        self.roles: list[list[Role]] = [[""] * width for _ in range(height)]
        self.texts: dict[tuple[int, int], Span] = {}

    def draw(self, line: Line, found: Sequence[Extent], scale: Scale) -> None:
        """One curve, connected from column to column."""
        lowest = 4 * self.height - 1
        pattern = PATTERNS[line.pattern % len(PATTERNS)]
        before: tuple[int, int] | None = None
        for x, extent in enumerate(found):
            if extent is None:
                before = None
                continue
            top = lowest - round(scale.part(extent[1]) * lowest)
            bottom = lowest - round(scale.part(extent[0]) * lowest)
            reach = top, bottom
            if before is not None:  # reach for the column before, so that a steep line has no holes
                top, bottom = min(top, before[1] + 1), max(bottom, before[0] - 1)
            steep = bottom - top >= 4  # a gap in its pattern would hide a spike: dots go down it instead
            for y in range(top, bottom + 1):
                if pattern[(x + (y if steep else 0)) % len(pattern)] == "1":
                    self._dot(x, y, line.role)
            before = reach

    def _dot(self, x: int, y: int, role: Role) -> None:
        cell, row = x // 2, y // 4
        if not self.dots[row][cell]:
            self.roles[row][cell] = role
        self.dots[row][cell] |= DOTS[x % 2][y % 4]

    def row(self, at: int, cursor: int | None) -> list[Span]:
        """One row as spans, cells of one role together; the cursor's column shows where nothing is."""
        spans: list[Span] = []
        for cell in range(self.width):
            dots = self.dots[at][cell]
            span = Span(chr(0x2800 + dots), self.roles[at][cell]) if dots else Span(" ")
            if not dots and cell == cursor:
                span = Span("┊", "dim")
            span = self.texts.get((at, cell), span)
            if spans and spans[-1].role == span.role:
                spans[-1] = Span(spans[-1].text + span.text, span.role)
            else:
                spans.append(span)
        return spans


@dataclass(frozen=True)
class Axis:
    """What stands at and below the x axis, and how far it goes."""

    cursor: int | None = None
    """The point that `▲` stands below."""
    marks: Iterable[int] = ()
    """Points with `×` on the axis."""
    ends: tuple[str, str] = ("", "")
    """What stands at its left and its right."""
    total: int = 0
    """Points that the width is for, where that is more than any line has."""
    gutter: int = 0
    """Cells for the y ticks at least: plots above each other share their columns."""


@dataclass(frozen=True)
class Plot:
    """What was drawn."""

    rows: list[Row]
    log: bool
    """Is the y axis logarithmic? To be said beside it."""


def plot(lines: Sequence[Line], width: int, height: int, axis: Axis = Axis()) -> Plot:
    """Curves in `height` rows (at least 2) of exactly `width` cells, the last of them the x axis.

    Where two lines meet in a cell the first one gives it its colour.
    """
    total = max([len(line.points) for line in lines] + [axis.total])
    margin = max(len(axis.ends[1]) + 1 if axis.ends[1] else 0, 2 if any(line.letter for line in lines) else 0)
    rows = max(1, height - 1)
    whole = [extent_of(line.points) for line in lines]
    scale = scale_of([e for e in whole if e is not None], rows)
    texts = {} if scale is None else _tick_rows(scale, rows)
    gutter = max([len(t) + 1 for t in texts.values()] + [axis.gutter])
    cells = max(1, width - gutter - 1 - margin)
    canvas = _Canvas(cells, rows)
    if scale is not None:
        for line in lines:
            canvas.draw(line, extents(line.points, 2 * cells, total, scale), scale)
    behind = {} if scale is None else _letters(lines, scale, canvas, total)
    under = None if axis.cursor is None or not total else column_of(axis.cursor, 2 * cells, total) // 2
    out: list[Row] = []
    for r in range(rows):
        label = texts.get(r, "")
        spans = [Span(right(label, gutter), "dim"), Span("┤" if label else "│", "dim")]
        spans += canvas.row(r, under)
        end = behind.get(r)
        if margin and end is not None:
            spans.append(Span(f" {end.letter}".ljust(margin), end.role))
        out.append(_cut(spans, width))
    marked = _marked(axis.marks, cells, total)
    spans = [Span(" " * gutter), Span("└", "dim"), *_base(cells, under, marked, axis.ends[0])]
    out.append(_cut([*spans, Span(f" {axis.ends[1]}", "dim")], width))
    return Plot(out, scale is not None and scale.log)


def _tick_rows(scale: Scale, rows: int) -> dict[int, str]:
    """Which row bears which tick; of two on one row the upper one."""
    texts: dict[int, str] = {}
    for tick in scale.ticks:
        dot = 4 * rows - 1 - round(scale.part(tick) * (4 * rows - 1))
        texts[dot // 4] = tick_text(tick)
    return texts


def _letters(lines: Sequence[Line], scale: Scale, canvas: _Canvas, total: int) -> dict[int, Line]:
    """Letters of lines that reach the right end, by row; those of shorter lines go onto the canvas."""
    behind: dict[int, Line] = {}
    for line in lines:
        last = next((i for i in range(len(line.points) - 1, -1, -1) if math.isfinite(line.points[i])), None)
        if not line.letter or last is None:
            continue
        dot = 4 * canvas.height - 1 - round(scale.part(line.points[last]) * (4 * canvas.height - 1))
        cell = column_of(last, 2 * canvas.width, total) // 2 + 1
        if cell < canvas.width - 1:
            canvas.texts[dot // 4, cell + 1] = Span(line.letter, line.role)
            continue
        free = [r for r in range(canvas.height) if r not in behind]
        if free:
            behind[min(free, key=lambda r: abs(r - dot // 4))] = line
    return behind


def _marked(marks: Iterable[int], cells: int, total: int) -> set[int]:
    """The cells of the marked points, and those between two that are neighbours."""
    points = {i for i in marks if i < total}
    found = {i: column_of(i, 2 * cells, total) // 2 for i in points}
    return {cell for i, at in found.items() for cell in range(at, found.get(i + 1, at) + 1)}


def _base(cells: int, under: int | None, marked: set[int], first: str) -> list[Span]:
    """The line of the x axis with its marks; the first point's label stands on it, beside them."""
    taken = {*marked, *([] if under is None else [under])}
    label = f" {first} " if first else ""
    at = next((a for a in range(cells // 2) if taken.isdisjoint(range(a, a + len(label)))), cells)
    label = label if at + len(label) < cells else ""
    spans: list[Span] = []
    for cell in range(cells):
        bad = cell in marked
        text = label[cell - at] if 0 <= cell - at < len(label) else "─"
        if cell == under:
            spans.append(Span("▲", "bad" if bad else "now"))
        elif bad or not spans or spans[-1].role != "dim":
            spans.append(Span("×", "bad") if bad else Span(text, "dim"))
        else:
            spans[-1] = Span(spans[-1].text + text, "dim")
    return spans


def _cut(spans: Iterable[Span], width: int) -> Row:
    """A row of exactly `width` cells; every character here takes one."""
    kept, left = [], width
    for span in spans:
        text = span.text[:left]
        left -= len(text)
        if text:
            kept.append(Span(text, span.role))
    if left > 0:
        kept.append(Span(" " * left))
    return tuple(kept)
