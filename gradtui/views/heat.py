"""A grid of numbers as a picture: blue below zero, orange above, the stronger the larger in magnitude.

Each cell is a glyph in its colour: `-` `=` `≡` below zero, shades above, so that nothing is lost without
colours. A grid that does not fit is drawn smaller: a cell shows the entry largest in magnitude.
"""

from __future__ import annotations

import math

from gradtui.trace.numbers import digits
from gradtui.views.rows import HEAT, Row, Span, row
from gradtui.wire.messages import Grid

_GLYPHS = ("▬▬", "≡≡", "==", "--", " ·", "░░", "▒▒", "▓▓", "██")
_HALF = len(_GLYPHS) // 2
LEGEND = 2
"""Rows above the picture."""
_WIDE = 90
"""Cells that the whole scale takes."""


def picture_rows(grid: Grid, shrunk: bool, width: int, height: int) -> list[Row]:
    """The grid in `width` x `height` cells; `shrunk`: it stands for more entries than it has."""
    if grid.rows == 1:
        grid = _folded(grid, max(1, width // 2))
    cell = 2 if grid.columns * 2 <= width else 1
    fitted = fitted_to(grid, max(1, height - LEGEND), max(1, width // cell))
    most = max((abs(v) for v in grid.values if math.isfinite(v)), default=0.0)
    shrunk = shrunk or fitted is not grid
    rows = [_legend(most, width)]
    rows.append(row(("each cell: the largest of several entries" if shrunk else "", "dim")))
    for i in range(fitted.rows):
        values = fitted.values[i * fitted.columns : (i + 1) * fitted.columns]
        rows.append(_joined([_cell(v, most, cell) for v in values]))
    return rows


def _legend(most: float, width: int) -> Row:
    spans = []
    for level in range(-_HALF, _HALF + 1, 1 if width >= _WIDE else 2):
        sample = math.copysign(most * (level / _HALF) ** 2, level)
        spans += [_cell(sample, most, 2), Span(f" {digits(sample, 2)}  ", "dim")]
    return tuple(spans)


def level_of(value: float, most: float) -> int:
    """-4 to 4: by the root of the magnitude, so that small ones can be told from zero."""
    if not value or not most:
        return 0
    return round(math.copysign(_HALF * math.sqrt(min(1.0, abs(value) / most)), value))


def _cell(value: float, most: float, width: int) -> Span:
    if not math.isfinite(value):
        return Span(("✗✗" if value != value else "∞∞")[:width], "bad")
    level = level_of(value, most)
    return Span(_GLYPHS[level + _HALF][-width:], HEAT[level + _HALF])


def _joined(spans: list[Span]) -> Row:
    """Neighbours alike as one span."""
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].role == span.role:
            joined[-1] = Span(joined[-1].text + span.text, span.role)
        else:
            joined.append(span)
    return tuple(joined)


def _folded(grid: Grid, columns: int) -> Grid:
    """A vector in lines; what is missing of the last one is not drawn."""
    if grid.columns <= columns:
        return grid
    columns = min(columns, 64)
    rows = -(-grid.columns // columns)
    missing = rows * columns - grid.columns
    return Grid(rows, columns, grid.values + (0.0,) * missing)


def fitted_to(grid: Grid, rows: int, columns: int) -> Grid:
    """The grid in so many rows and columns at most: of a block the entry largest in magnitude, NaN first."""
    if grid.rows <= rows and grid.columns <= columns:
        return grid
    down, across = -(-grid.rows // rows), -(-grid.columns // columns)
    values: list[float] = []
    for top in range(0, grid.rows, down):
        for left in range(0, grid.columns, across):
            block = [
                value
                for i in range(top, min(top + down, grid.rows))
                for value in grid.values[
                    i * grid.columns + left : i * grid.columns + min(left + across, grid.columns)
                ]
            ]
            values.append(max(block, key=lambda v: math.inf if v != v else abs(v)))
    return Grid(-(-grid.rows // down), -(-grid.columns // across), tuple(values))
