"""Curves in braille: what they show, and laws that hold whatever there is to draw."""

from __future__ import annotations

import math
import re
from array import array

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradtui.views.braille import Axis, Line, Plot, extents, plot
from gradtui.views.rows import text_of, width_of
from gradtui.views.scale import scale_of

law = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
finite = st.floats(allow_nan=True, allow_infinity=True)


def test_a_falling_line() -> None:
    drawn = plot([Line([4.0, 3.0, 2.0, 1.0, 0.0], "A")], 24, 4, Axis(1, (3,), ("1", "5")))
    assert text_of(drawn.rows) == "\n".join(
        [
            "    │⠉⠒⠢⠤⣀⡀",
            " 2.5┤    ┊⠈⠉⠒⠢⠤⣀⡀",
            "   0┤    ┊      ⠈⠉⠒⠢⠤⣀ A",
            "    └ 1 ─▲───────×──── 5",
        ]
    )


def test_one_spike_among_many_points_is_seen() -> None:
    points = array("d", [1.0]) * 50_000
    points[31_007] = 9.0
    top = plot([Line(points)], 60, 6).rows[0]
    assert sum("⠀" < c <= "⣿" for c in text_of([top])) == 1


def test_a_wide_positive_range_is_logarithmic() -> None:
    assert plot([Line([1.0, 0.001])], 40, 8).log
    assert not plot([Line([1.0, 0.02])], 40, 8).log
    assert not plot([Line([1.0, 0.001, -0.1])], 40, 8).log
    assert "0.01┤" in text_of(plot([Line([1.0, 0.001])], 40, 12).rows)


def dots(drawn: Plot) -> list[bool]:
    """For each column of cells of the plot whether anything is drawn there."""
    rows = text_of(drawn.rows[:-1]).split("\n")
    start = re.search("[┤│]", rows[0]).end()  # type: ignore[union-attr]
    size = max(map(len, rows))
    return [any("⠀" < r[c : c + 1] <= "⣿" for r in rows) for c in range(start, size)]


def test_what_is_not_known_leaves_a_gap() -> None:
    seen = dots(plot([Line([1.0, 2.0, math.nan, math.nan, 2.0, 1.0])], 62, 5))
    assert seen[0]
    assert not any(seen[len(seen) * 3 // 10 : len(seen) * 7 // 10])
    assert seen[-1]


def test_lines_differ_without_colour() -> None:
    drawn = [
        text_of(plot([Line([0.0, 0.0, 1.0, 1.0] + [0.5] * 30, "", "name", pattern)], 60, 3).rows)
        for pattern in range(4)
    ]
    assert len(set(drawn)) == 4


@law
@given(
    st.lists(st.lists(finite, max_size=300), max_size=3),
    st.integers(20, 120),
    st.integers(2, 20),
    st.integers(0, 400),
)
def test_a_plot_has_exactly_its_size(series: list[list[float]], width: int, height: int, total: int) -> None:
    series_lines = [Line(points, "ABC"[i], "name", i) for i, points in enumerate(series)]
    marks = [i for points in series for i, p in enumerate(points) if math.isinf(p)]
    drawn = plot(series_lines, width, height, Axis(total // 2, marks, ("1", str(total)), total))
    assert len(drawn.rows) == height
    assert {width_of(r) for r in drawn.rows} == {width}


@law
@given(st.lists(finite, min_size=1, max_size=400), st.integers(2, 60))
def test_every_column_shows_the_extremes_of_its_points(points: list[float], columns: int) -> None:
    known = [p for p in points if math.isfinite(p)]
    scale = scale_of([(min(known), max(known))] if known else [], 8)
    if scale is None:
        return
    found = [e for e in extents(points, columns, len(points), scale) if e is not None]
    if len(points) > columns:
        assert (min(e[0] for e in found), max(e[1] for e in found)) == (min(known), max(known))
    for tick in scale.ticks:
        assert 0.0 <= scale.part(tick) <= 1.0
