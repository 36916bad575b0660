"""The run over its passes: the loss curve with those of earlier runs, a leaf's gradient, a table.

All of it speaks of one series: the passes that the line which started the cursor's pass has started.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from gradtui.trace.history import Curve, LeafColumn, Losses, Series
from gradtui.trace.lines import tells as tells
from gradtui.trace.numbers import digits, short
from gradtui.views.absent import NOT_YET, UNKNOWN
from gradtui.views.amounts import within
from gradtui.views.braille import PATTERNS, SAMPLES, Axis, Line, plot
from gradtui.views.gone import missing, option
from gradtui.views.rows import Role, Row, Span, fit, fit_path, right, row, width_of
from gradtui.views.state import State
from gradtui.wire.messages import Node, Value

EARLIER: tuple[Role, ...] = ("warn", "good", "op")
"""Roles of earlier runs' curves, after the present run's."""
TALLEST = 16
"""Rows of the loss curve; of the gradient's, half."""
GUTTER = 7
"""Cells for the y ticks, so that one pass stands in one column of both plots."""
LISTED = 3
"""Other series told by name."""


@dataclass(frozen=True)
class _Part:
    """What the rows are made from."""

    state: State
    series: Series
    at: int
    """The position of the cursor's pass in the series."""
    node: Node | None
    column: LeafColumn | None


def leaf_of(state: State, last: Node | None = None) -> Node | None:
    """The leaf whose gradient is drawn: the selected node if it is one, the last chosen, or the first."""
    selected = state.selected_node
    if selected is not None and tells(selected):
        return selected
    if last is not None:
        return last
    if state.shown_pass is None:
        lines = state.trace.lines.leaves(state.cursor.number)
        return lines[0].node if lines else None
    leaves = [node for node in state.shown_pass.nodes.values() if node.leaf]
    return next((node for node in leaves if tells(node)), leaves[0] if leaves else None)


def rows_of(
    state: State, history: Losses, earlier: Sequence[Curve], leaf: Node | None, width: int, height: int
) -> list[Row]:
    """The passes pane, in at most `height` rows. Brings `history` up to date.

    `leaf`: the leaf that was chosen last; see `leaf_of`.
    """
    history.catch_up()
    found = history.at(state.cursor.number)
    if found is None:
        return missing(state, width)
    series, at = found
    earlier = [curve for curve in earlier if curve.series == series.key]
    node = leaf_of(state, leaf)
    part = _Part(state, series, at, node, history.leaf(series, node) if node is not None else None)
    others = _others(state, history, series, width) if height >= 10 else []
    room = height - 1 - len(others)
    drawn, log = _plots(part, earlier, width, room)
    left = room - len(drawn)
    table = _table(part, width, left) if left >= 3 else []
    return [_head(part, log, width), *drawn, *table, *others][: max(1, height)]


def _head(part: _Part, log: bool, width: int) -> Row:
    """`loss  pass 7: 0.6123   7 of 30   backward at train.py:14`."""
    series, at = part.series, part.at
    place = part.state.trace.show_place(series.place)
    shown, trace = part.state.shown_pass, part.state.trace
    value = series.value(at) if shown is None else shown.root.value
    spans = [
        Span(fit_path(series.name, min(len(series.name), width // 3)), "name"),
        Span(f"  pass {series.numbers[at]}: ", "strong"),
        Span("·" if shown is None and value is None else short(value), "now"),
    ]
    if shown is None:
        spans.append(Span("  let go", "warn"))
    count = len(series.numbers)
    more = ["log scale"] if log else []
    if count > 1 and series.numbers[-1] != count:
        more.append(f"{at + 1:,} of {count:,}")
    if trace.passes.begun > len(trace.passes):
        more.append(f"{trace.passes.begun - len(trace.passes):,} let go ({option(part.state)})")
    if place is not None:
        more.append(f"backward at {place}")
    return _with_room(spans, more, width)


def _with_room(spans: Sequence[Span], more: Sequence[str], width: int) -> Row:
    """The spans, and of the remarks those that there is room for."""
    kept = list(spans)
    for text in more:
        if width_of(tuple(kept)) + 3 + cell_len(text) <= width:
            kept.append(Span(f"   {text}", "dim"))
    return _within(kept, width)


def _within(spans: Sequence[Span], width: int) -> Row:
    """As many of the spans as fit; the one that does not is cut."""
    kept: list[Span] = []
    left = width
    for span in spans:
        text = span.text if cell_len(span.text) <= left else fit(span.text, left)
        if text:
            kept.append(Span(text, span.role))
        left -= cell_len(text)
    return tuple(kept)


def _others(state: State, history: Losses, shown: Series, width: int) -> list[Row]:
    """The series of other lines or losses, by name."""
    others = [s for s in history.series if s is not shown]
    if not others:
        return []
    spans = [Span("also: ", "dim")]
    for series in others[:LISTED]:
        place = state.trace.show_place(series.place)
        plural = "" if len(series.numbers) == 1 else "es"
        spans.append(Span(series.name, "name"))
        at = f" at {place}" if place else ""
        spans.append(Span(f"{at}, {len(series.numbers):,} pass{plural} from {series.numbers[0]}   ", "dim"))
    if len(others) > LISTED:
        spans.append(Span(f"and {len(others) - LISTED} more", "dim"))
    return [_within(spans, width)]


def _no_curve(part: _Part) -> Row:
    """Why there is no curve."""
    if len(part.series.losses) == 1:
        leaf = f"   leaf: {part.column.name}" if part.column is not None else ""
        return row((f"One pass so far: a curve needs two.{leaf}", "dim"))
    return row((f"No curve: the value of {part.series.name} is not one number, or is not known.", "dim"))


# -------------------------------------------------------------------------- curves


def _plots(part: _Part, earlier: Sequence[Curve], width: int, room: int) -> tuple[list[Row], bool]:
    """Both plots, and whether the loss has a log scale; where there is plenty the table gets a third."""
    several = len(part.series.losses) > 1
    legend = _legend(part.state, part.series, earlier, width) if earlier and room >= 6 else []
    share = room - len(legend) if room < 16 else (room - len(legend)) * 2 // 3
    both = several and part.column is not None and share >= 9
    if part.series.known and (several or earlier) and room >= 3:
        upper = min(TALLEST, share * 3 // 5 if both else share)
        drawn = plot(_lines(part.series, earlier), width, upper, _axis(part, earlier, part.series.nonfinite))
        rows, log = legend + drawn.rows, drawn.log
    else:
        rows, log, upper = [_within(_no_curve(part), width)], False, 1
    if both:
        rows += _gradient(part, earlier, width, max(4, min(TALLEST // 2 + 1, share - upper)))
    return rows, log


def _axis(part: _Part, earlier: Sequence[Curve], marks: Iterable[int]) -> Axis:
    """One x axis for both plots."""
    numbers = part.series.numbers
    total = max([len(numbers)] + [len(curve.losses) for curve in earlier])
    last = str(numbers[-1] if total == len(numbers) else total)
    return Axis(part.at, marks, (str(numbers[0]), last), total, GUTTER)


def _lines(series: Series, earlier: Sequence[Curve]) -> list[Line]:
    """The present run's line, then the earlier ones, the latest first."""
    letters = bool(earlier)
    lines = [Line(series.losses, "A" if letters else "", "now", 0)]
    for i, curve in enumerate(reversed(earlier)):
        lines.append(Line(curve.losses, chr(ord("B") + i % 25), EARLIER[i % len(EARLIER)], i % 3 + 1))
    return lines


def _legend(state: State, series: Series, earlier: Sequence[Curve], width: int) -> list[Row]:
    """One row a run: letter, sample, label and last loss."""
    labels = [state.knobs or "this run", *[curve.label for curve in reversed(earlier)]]
    if len(set(labels)) < len(labels):
        labels[0] += " (now)"
    rows = []
    size = min(max(map(len, labels)), max(8, width - 26))
    for line, label in zip(_lines(series, earlier), labels):
        last = line.points[-1] if len(line.points) else math.nan
        text = f"{line.letter} {SAMPLES[line.pattern % len(PATTERNS)]} {fit(label, size)}"
        rows.append(_within([Span(text, line.role), Span("  last ", "dim"), Span(digits(last, 4))], width))
    return rows


def _gradient(part: _Part, earlier: Sequence[Curve], width: int, height: int) -> list[Row]:
    """What each pass added to the leaf: a title and a plot."""
    column, numbers = part.column, part.series.numbers
    assert column is not None
    drawn = plot([Line(column.added)], width, height - 1, _axis(part, earlier, column.nonfinite))
    spans = [Span("added to ", "dim"), Span(column.name, "name")]
    if part.at < len(column.added):
        spans.append(Span(": ", "dim"))
        spans.append(Span(_size(column.added[part.at], part.at in column.nonfinite), "now"))
    more = [f"read up to pass {numbers[len(column.added) - 1]}"] if len(column.added) < len(numbers) else []
    apart = part.state.trace.lines.apart
    if apart > 1:
        more.append(f"one pass in {apart:,}")
    return [_with_room(spans, [*more, *(["log scale"] if drawn.log else [])], width), *drawn.rows]


def _size(value: float, nonfinite: bool) -> str:
    """A magnitude; `·` where it is not known."""
    return UNKNOWN if math.isnan(value) and not nonfinite else digits(value, 4)


# --------------------------------------------------------------------------- table


def _table(part: _Part, width: int, height: int) -> list[Row]:
    """The passes around the cursor, one a row."""
    series, count = part.series, len(part.series.numbers)
    shown = min(count, height - 1)
    first = max(0, min(part.at - shown // 2, count - shown))
    found = {f.pass_number for f in part.state.trace.findings}
    number = 12 if width >= 44 else 9
    wide = width >= 44 and part.column is not None
    titles = f"  {'pass':>8} " + right(fit_path(series.name, min(number, len(series.name))), number)
    if part.column is not None:
        titles += " " + right("added", number)
    if wide and part.column is not None:
        titles += " " + right(".grad after", number)
        name = f"   of {part.column.name}"
        titles += name if cell_len(titles + name) <= width else ""
    rows = [_within([Span(titles, "dim")], width)]
    for at in range(first, first + shown):
        rows.append(_within(_line(part, at, number, wide, series.numbers[at] in found), width))
    return rows


def _line(part: _Part, at: int, number: int, wide: bool, finding: bool) -> list[Span]:
    trace, passed = part.state.trace, part.series.numbers[at]
    now, kept = at == part.at, trace.passes.has(passed)
    value: Value | None = part.series.value(at)
    if value is None and kept:
        pass_ = trace.pass_numbered(passed)
        value = None if pass_ is None else pass_.root.value
    spans = [
        Span("▶" if now else " ", "now"),
        Span("⚠" if finding else " ", "bad"),
        Span(f"{passed:>8} ", "strong" if now else "dim"),
        Span(right("" if value is None else within(value, number), number), "now" if now else "number"),
    ]
    column = part.column
    if column is not None:
        known = at < len(column.added)
        bad = at in column.nonfinite
        added = _size(column.added[at], bad) if known else "…"
        added = NOT_YET if added == UNKNOWN and at in column.open else added
        spans.append(Span(" " + right(added, number), "bad" if bad else "number"))
        if wide:
            after = _size(column.after[at], bad) if known else "…"
            spans.append(Span(" " + right(after, number), "dim"))
    return spans
