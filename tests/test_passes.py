"""The pane of the passes: its curves, its table, and other runs beside this one."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from traces import events, losses_of, trained

from gradtui.trace import Trace
from gradtui.trace.cursor import Cursor
from gradtui.trace.history import Curve, Losses
from gradtui.trace.numbers import digits
from gradtui.views import passes
from gradtui.views.rows import text_of, width_of
from gradtui.views.state import State
from gradtui.wire.messages import Node, PassBegan

law = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
finite = st.floats(allow_nan=True, allow_infinity=True)


def pane(
    trace: Trace, number: int, width: int, height: int, earlier: Sequence[Curve] = (), knobs: str = ""
) -> str:
    state = State(trace, "fit.py", Cursor(number, 1), knobs=knobs)
    rows = passes.rows_of(state, Losses(trace), earlier, None, width, height)
    assert len(rows) <= height
    assert all(width_of(r) <= width for r in rows)
    return text_of(rows)


def test_the_passes_in_a_small_pane() -> None:
    assert pane(Trace.of(events([8.0, 6.0, 4.0, 2.0, 0.0])), 2, 40, 12) == "\n".join(
        [
            "loss  pass 2: 6",
            "       │⠉⠒⠢⠤⣀⣀ ┊",
            "      5┤      ⠉⠑⠒⠤⢄⣀",
            "       │       ┊    ⠉⠑⠒⠢⢄⣀",
            "       │       ┊          ⠉⠑⠒⠤⢄⣀",
            "      0┤       ┊                ⠉⠉⠒⠢⠤⣀",
            "       └ 1 ────▲────────────────────── 5",
            "added to w: 6",
            "       │⠉⠑⠒⠒⠢⠤⠤⣀⣀⣀",
            "      5┤       ┊  ⠉⠉⠑⠒⠒⠢⠤⠤⣀⣀⡀",
            "      0┤       ┊            ⠈⠉⠉⠒⠒⠢⠤⠤⢄⣀",
            "       └ 1 ────▲────────────────────── 5",
        ]
    )


def test_one_pass_has_no_curve_and_says_so() -> None:
    text = pane(Trace.of(events([8.0])), 1, 60, 12)
    assert text.split("\n")[1] == "One pass so far: a curve needs two.   leaf: w"
    assert text.split("\n")[3].split() == ["▶", "1", "8", "8", "8"]


def test_two_runs_are_told_apart_by_letter_and_label() -> None:
    trace = trained(20)
    earlier = Losses(trained(20, rate=0.3))
    earlier.catch_up()
    text = pane(trace, 20, 80, 24, [earlier.series[0].curve("rate=0.3")], "rate=0.1")
    first, second = losses_of(0.1, 20)[-1], losses_of(0.3, 20)[-1]
    assert f"A ━━━ rate=0.1  last {first:.4g}\n" in text
    assert f"B ╺╸╺ rate=0.3  last {digits(second, 4)}\n" in text
    drawn = text.split("added to")[0].split("\n")[3:]
    assert [r[-1] for r in drawn if r.endswith((" A", " B"))] == ["B", "A"]


def test_the_latest_of_the_earlier_runs_comes_first() -> None:
    trace = Trace.of(events([4.0, 2.0, 1.0]))
    known = Losses(trace)
    known.catch_up()
    key = known.series[0].key
    earlier = [Curve("first", array("d", [9.0, 7.0]), key), Curve("second", array("d", [9.0, 5.0, 3.0]), key)]
    text = pane(trace, 1, 60, 24, earlier)
    legend = [line.split() for line in text.split("\n")[1:4]]
    assert [(row[0], row[2], row[-1]) for row in legend] == [
        ("A", "this", "1"),
        ("B", "second", "3"),
        ("C", "first", "7"),
    ]


def test_a_curve_of_another_series_is_not_drawn_beside_this_one() -> None:
    trace = Trace.of(events([4.0, 2.0, 1.0]))
    other = Curve("other", array("d", [9.0, 7.0]), "train.py:40 penalty")
    assert "other" not in pane(trace, 1, 60, 24, [other])


def test_a_pass_with_a_finding_is_marked_in_the_table() -> None:
    trace = Trace.of(events([1.0, math.inf, math.nan, 2.0]))
    text = pane(trace, 2, 80, 30)
    marked = {f.pass_number for f in trace.findings}
    assert marked
    assert {int(m) for m in re.findall(r"⚠\s+(\d+) ", text)} == marked
    axes = [line for line in text.split("\n") if "└" in line]
    for line in axes:  # passes 2 and 3 of 4, the cursor at 2
        base = line[line.index("└") + 1 : line.rindex(" ")]
        assert re.fullmatch("─* 1 ─+▲×+─+", base)
        assert 0.3 < base.count("×") / len(base) < 0.37


def test_a_root_of_several_numbers_has_no_curve() -> None:
    stream = [e for e in events([1.0, 2.0]) if not isinstance(e, PassBegan)]
    roots = [
        PassBegan(
            n, "scalar", (1,), (Node(1, "sum", (2,), False, "y", True), Node(2, "", (), True, "w", True))
        )
        for n in (1, 2)
    ]
    text = pane(Trace.of([roots[0], *stream[:2], roots[1], *stream[2:]]), 1, 90, 24)
    assert "No curve: the value of y is not one number, or is not known." in text
    assert "added to w" in text


@law
@given(st.lists(finite, min_size=1, max_size=60), st.integers(20, 130), st.integers(1, 45), st.booleans())
def test_the_passes_fit_every_pane(values: list[float], width: int, height: int, before: bool) -> None:
    earlier = [Curve("an earlier run", array("d", values))] if before else []
    pane(Trace.of(events(values)), (len(values) + 1) // 2, width, height, earlier)
