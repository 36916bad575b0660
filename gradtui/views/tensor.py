"""One tensor, or a slice of it: what it is, its figures, its entries as bars, as a picture, as numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias

from gradtui.trace.names import symbol
from gradtui.trace.numbers import digits
from gradtui.views.heat import picture_rows
from gradtui.views.rows import Role, Row, Span, right, row, width_of, wrapped
from gradtui.wire.messages import Bins, Figures, Grid, Inspected, Node

Face: TypeAlias = Literal["histogram", "magnitudes", "heatmap", "values"]
FACES: tuple[Face, ...] = ("histogram", "magnitudes", "heatmap", "values")
"""Ways to show the entries, in the order in which they take turns."""
_BLOCKS = " ▏▎▍▌▋▊▉█"
_EDGE, _COUNT = 10, 11
"""Cells of an edge and of a count."""
PLACES = 5
"""Digits of an entry."""


def head(seen: Inspected, node: Node | None, width: int) -> list[Row]:
    """What it is, and its figures."""
    of = f"  of {symbol(node)}" if node is not None else ""
    rows = wrapped(row((seen.what + (f" {seen.slice}" if seen.slice else ""), "strong"), (of, "name")), width)
    if seen.error:
        return rows + wrapped(row(("! ", "bad"), seen.error), width, "  ")
    if seen.text:
        return rows + wrapped(row(seen.text), width)
    kind = f"{seen.dtype}  {_shape(seen.shape)}  {seen.device}".rstrip()
    part = f"   this slice: {_shape(seen.part)}" if seen.part != seen.shape else ""
    rows.append(row((kind, "op"), (part, "")))
    if seen.figures is not None:
        rows += _packed(_figures(seen.figures), width)
    if seen.note:
        rows += wrapped(row((seen.note, "dim")), width)
    return rows


def _shape(shape: Sequence[int]) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"


def _figures(figures: Figures) -> Iterator[Row]:
    """`norm 1.2`, `mean 0`, ..., `zeros 3`, `of 12`."""
    for word in ("norm", "mean", "std", "min", "max"):
        value = getattr(figures, word)
        if value is not None:
            yield row((f"{word} ", "dim"), (digits(value), "number"))
    if figures.zeros:
        yield row((f"zeros {figures.zeros:,}", "warn" if figures.zeros == figures.count else ""))
    for count, word in ((figures.nan, "NaN"), (figures.infinite, "Inf")):
        if count:
            yield row((f"{count:,} {word}", "bad"))
    yield row((f"of {figures.count:,}", "dim"))


def _packed(parts: Iterator[Row], width: int) -> list[Row]:
    """Parts beside each other, none of them broken."""
    lines: list[Row] = []
    for part in parts:
        if lines and width_of(lines[-1]) + 2 + width_of(part) <= width:
            lines[-1] = (*lines[-1], Span("  "), *part)
        else:
            lines.append(part)
    return lines


def face_rows(seen: Inspected, face: Face, width: int, height: int) -> list[Row]:
    """The entries in one of the ways, in `width` cells; the picture in `height` rows at most."""
    if seen.error or seen.figures is None:
        return []
    if seen.grid is None and seen.figures.count:
        return [row(("its entries were not recorded", "dim"))]
    if face == "histogram":
        return _bars(seen.bins, width, "no finite entries")
    if face == "magnitudes":
        return _bars(seen.decades, width, "no entries that are finite and not zero", "|x| ")
    if seen.grid is None:
        return []
    if face == "heatmap":
        return picture_rows(seen.picture or seen.grid, seen.picture is not None, width, height)
    return _table(seen.grid, seen.part, width)


# ------------------------------------------------------------------------- bars


def _bars(bins: Bins | None, width: int, none: str, of: str = "") -> list[Row]:
    if bins is None:
        return [row((none, "dim"))]
    most, room = max(bins.counts), max(4, width - 2 * _EDGE - 5 - _COUNT)
    title = f"{of}from .. to".center(2 * _EDGE + 4)
    rows: list[Row] = [row((f"{title}count (bar: log)", "dim"))]
    for low, high, count in zip(bins.edges, bins.edges[1:], bins.counts):
        edges = f"{right(digits(low, 4), _EDGE)} .. {digits(high, 4):{_EDGE}}"
        filled = round(math.log1p(count) / math.log1p(most) * room * 8)
        bar = "█" * (filled // 8) + (_BLOCKS[filled % 8] if filled % 8 else "")
        rows.append(row((edges, "dim"), (bar, "now"), (f" {count:,}" if count else "", "number")))
    return rows


# ----------------------------------------------------------------------- numbers


def _table(grid: Grid, part: Sequence[int], width: int) -> list[Row]:
    """Rows and columns with their indices; a vector in lines of as many as fit."""
    texts = [digits(value, PLACES) for value in grid.values]
    cell = max(4, *[len(text) for text in texts], len(str(grid.columns))) + 1
    if grid.rows == 1 and len(part) < 2:
        return _vector(grid, texts, cell, width)
    leading = part[:-1] if grid.rows * grid.columns == _product(part) else part[-2:-1]
    labels = [_label(i, leading) for i in range(grid.rows)]
    margin = max(len(label) for label in labels) + 1
    shown = max(1, min(grid.columns, (width - margin) // cell))
    rows = [row((" " * margin + "".join(right(str(k), cell) for k in range(shown)), "dim"))]
    for i in range(grid.rows):
        at = i * grid.columns
        spans = [Span(right(labels[i], margin - 1) + " ", "dim")]
        spans += [_entry(grid.values[at + k], texts[at + k], cell) for k in range(shown)]
        rows.append(tuple(spans))
    if shown < grid.columns:
        rows.append(row((f"columns 0 to {shown - 1}; a slice such as [:, {shown}:] shows others", "dim")))
    return rows


def _vector(grid: Grid, texts: Sequence[str], cell: int, width: int) -> list[Row]:
    margin = len(str(grid.columns)) + 2
    per = max(1, (width - margin) // cell)
    if per >= 10:
        per -= per % 10
    entries = [_entry(value, text, cell) for value, text in zip(grid.values, texts)]
    return [
        (Span(right(str(start), margin - 1) + " ", "dim"), *entries[start : start + per])
        for start in range(0, grid.columns, per)
    ]


def _entry(value: float, text: str, cell: int) -> Span:
    role: Role = "bad" if value - value != 0 else "dim" if value == 0 else "number"  # NaN, Inf
    return Span(right(text, cell), role)


def _label(index: int, shape: Sequence[int]) -> str:
    """`2` in a matrix, `1,2` in three dimensions."""
    parts: list[str] = []
    for size in reversed(shape):
        index, rest = divmod(index, max(1, size))
        parts.append(str(rest))
    return ",".join(reversed(parts))


def _product(shape: Sequence[int]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product
