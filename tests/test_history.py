"""Losses and gradients over the passes are those of the run, each pass read once."""

from __future__ import annotations

import math
import re

import pytest
from traces import events, leaf, losses_of, trained

import gradtui
from gradtui.scalar import Value
from gradtui.trace import Trace
from gradtui.trace.cursor import Cursor
from gradtui.trace.history import Losses
from gradtui.views import passes
from gradtui.views.rows import text_of
from gradtui.views.state import State
from gradtui.wire.messages import PassEnded


@pytest.mark.parametrize("anew", [False, True])
def test_losses_and_gradients_are_those_of_the_run(anew: bool) -> None:
    trace = trained(5, anew=anew)
    history = Losses(trace)
    history.catch_up()
    (series,) = history.series
    assert series.name == "loss"
    assert list(series.losses) == pytest.approx(losses_of(0.1, 5))
    column = history.leaf(series, leaf(trace, "w"))
    slopes = [4 * math.sqrt(x) for x in losses_of(0.1, 5)]
    assert list(column.added) == pytest.approx(slopes)
    assert list(column.after) == pytest.approx(slopes)
    assert history.whole(series, column)


def test_passes_that_are_known_are_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = events([6.0, 5.0, 4.0, 3.0, 2.0, 1.0])
    trace = Trace.of(stream[:12])
    history = Losses(trace)
    history.catch_up()
    chosen = leaf(trace, "w")
    history.leaf(history.series[0], chosen)
    for row in range(4):  # reading one again would show
        trace.lines.losses[row] = math.nan
    read: list[int] = []
    leaf_of = trace.lines.leaf
    monkeypatch.setattr(trace.lines, "leaf", lambda row, node: read.append(row) or leaf_of(row, node))
    for event in stream[12:]:
        trace.fold(event)
    history.catch_up()
    column = history.leaf(history.series[0], chosen)
    assert list(history.series[0].losses) == [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]
    assert list(column.added) == [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]
    assert read == [4, 5]


def test_an_open_pass_is_read_again() -> None:
    stream = events([4.0, 2.0], ended=False)
    trace = Trace.of(stream[:-1])
    history = Losses(trace)
    history.catch_up()
    chosen = leaf(trace, "w")
    assert list(history.leaf(history.series[0], chosen).added)[:1] == [4.0]
    assert math.isnan(history.leaf(history.series[0], chosen).added[1])
    trace.fold(stream[-1])
    trace.fold(PassEnded(2))
    assert list(history.leaf(history.series[0], chosen).added) == [4.0, 2.0]


def test_losses_of_different_lines_are_different_series() -> None:
    with gradtui.record(twin=False) as trace:
        d, g = Value(1.0), Value(2.0)
        for _ in range(3):
            d_loss = d * d
            d_loss.backward()
            g_loss = g * g
            g_loss.backward()
    history = Losses(trace)
    history.catch_up()
    assert [(s.name, list(s.numbers)) for s in history.series] == [
        ("d_loss", [1, 3, 5]),
        ("g_loss", [2, 4, 6]),
    ]
    found = history.at(4)
    assert found == (history.series[1], 1)
    rows = text_of(passes.rows_of(State(trace, "gan.py", Cursor(4, 0)), history, [], None, 100, 20))
    assert rows.startswith("g_loss  pass 4: 4   2 of 3")
    assert re.search(r"also: d_loss at .*test_history.py:\d+, 3 passes from 1", rows)
