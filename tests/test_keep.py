"""What is kept of a long run: the newest passes whole, of all of them the loss and a line for each leaf."""

from __future__ import annotations

import gc
import math
import tracemalloc
from collections.abc import Iterator

import pytest
from tui import PROGRAMS, debugger, ended, graph_text, pane, screen_text, until

import gradtui
from gradtui.scalar import Value
from gradtui.trace import Trace, passes
from gradtui.trace import cursor as moves
from gradtui.trace.arrivals import Arrivals
from gradtui.trace.cursor import Cursor
from gradtui.trace.history import Losses
from gradtui.trace.keep import parse_size, size_text
from gradtui.views import gone, leaves
from gradtui.views.passes import rows_of
from gradtui.views.rows import text_of
from gradtui.views.state import State
from gradtui.wire.messages import (
    Accumulated,
    Changed,
    Event,
    Node,
    PassBegan,
    PassEnded,
    Sent,
    Stepped,
    Summary,
    UsedAgain,
)


def stream(count: int, bad: int = 0, parameters: int = 1) -> Iterator[Event]:
    """Passes of a sum over parameters, one of which sends NaN; the loss is the pass's number."""
    for number in range(1, count + 1):
        root = Node(1, "SumBackward0", tuple(range(2, parameters + 2)), False, "loss", True, float(number))
        size = Summary((3,), "float32", "cpu", 2.0)
        weights = [Node(n, "AccumulateGrad", (), True, f"w{n}", True, size) for n in root.inputs if n]
        yield PassBegan(number, "torch", (1,), (root, *weights))
        slope = Summary(
            (3,), "float32", "cpu", math.nan if number == bad else 1 / number, nonfinite=int(number == bad)
        )
        yield Stepped(number, 1, 1, (1.0,), tuple(Sent(w.id, slope) for w in weights))
        for step, w in enumerate(weights, 2):
            yield Stepped(number, step, w.id, (slope,), (), Accumulated(w.id, None, slope, slope))
        yield PassEnded(number)


def state_at(trace: Trace, number: int, step: int = 0) -> State:
    return State(trace, "train.py", Cursor(number, step))


ROOM = 40_000


def test_a_kept_pass_is_equal_in_all_to_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> Trace:
        with gradtui.record(twin=False) as trace:
            w = Value(3.0)
            for _ in range(8):
                ((w * 2.0 - 1.0) ** 2).backward()
        return trace

    whole = run()
    monkeypatch.setattr(passes, "LIVE", 0)
    monkeypatch.setattr(passes, "AT_LEAST", 1)
    packed = run()
    for one, other in zip(whole.passes, packed.passes, strict=True):
        for name in (
            "began",
            "ended",
            "nodes",
            "messages",
            "runs",
            "arrivals",
            "reached",
            "before",
            "came_from",
        ):
            assert getattr(one, name) == getattr(other, name), name
        assert one.leaves == other.leaves
    assert packed.passes[7].came_from


def test_what_is_said_of_a_pass_after_its_end_is_kept_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "LIVE", 0)
    monkeypatch.setattr(passes, "AT_LEAST", 1)
    events = list(stream(3))
    trace = Trace.of(events[:4])
    late = Changed(1, 2, 2, "0*w2", 2.0, 0.0)
    trace.fold(late)
    for event in events[4:]:
        trace.fold(event)
    first = trace.passes[0]
    assert first.changed == [late]
    assert first.ended == PassEnded(1)
    assert len(first.messages) == 2


def test_the_newest_passes_are_kept_within_the_room_and_every_loss() -> None:
    trace = Trace(ROOM)
    for event in stream(500):
        trace.fold(event)
        assert trace.passes.bytes <= ROOM
    kept = [p.number for p in trace.passes]
    assert kept == list(range(kept[0], 501))
    assert 10 < len(kept) < 200
    assert trace.passes.begun == 500
    assert list(trace.lines.losses) == list(range(1, 501))
    history = Losses(trace)
    history.catch_up()
    column = history.leaf(history.series[0], trace.passes[-1].nodes[2])
    known = {at + 1: x for at, x in enumerate(column.added) if not math.isnan(x)}
    assert known == {n: 1 / n for n in known}
    assert list(known) == list(range(1, 501, trace.lines.apart))
    assert trace.lines.bytes <= ROOM // 4


def test_moving_goes_through_what_is_kept_and_says_where_it_ends() -> None:
    trace = Trace.of(stream(500), ROOM)
    first = trace.passes[0].number
    at, seen = moves.edge(trace), []
    while at is not None:
        seen.append(at)
        at = moves.back(trace, at)
    assert seen[-1] == moves.beginning(trace) == Cursor(first, 0)
    assert len(seen) == 3 * len(trace.passes)
    at = seen[-1]
    for expected in reversed(seen):
        assert at == expected
        at = moves.forward(trace, at) or Cursor(0, 0)
    assert moves.previous_pass(trace, Cursor(first, 0)) is None
    told = gone.beginning(state_at(trace, first))
    assert told.startswith(f"Passes 1-{first - 1} were let go (--keep 39.1KB)")
    assert gone.beginning(state_at(trace, 500)) == gone.BEGINNING


def test_a_pass_that_was_let_go_is_looked_at_as_its_lines() -> None:
    trace = Trace.of(stream(500), ROOM)
    number = 1 + 8 * trace.lines.apart
    at = moves.parse(trace, f"{number}:2", Cursor(500, 0))
    state = state_at(trace, at.number)
    assert at == Cursor(number, 0)
    assert state.shown_pass is None
    rows = text_of(leaves.rows_of_line(state, 60)).split("\n")
    assert rows[1].split() == ["w2", "2", "None", f"{1 / number:.4g}", f"{1 / number:.4g}"]
    assert f"loss  pass {number}: {number}  let go" in text_of(
        rows_of(state, Losses(trace), [], None, 90, 20)
    )
    assert "was let go (--keep 39.1KB)" in text_of(gone.missing(state))
    assert moves.next_pass(trace, at) == Cursor(number + 1, 0)
    assert moves.forward(trace, at) == moves.beginning(trace)
    assert "one pass in" in text_of(leaves.rows_of_line(state_at(trace, number + 1), 60))


def test_a_pass_in_which_something_was_found_is_held() -> None:
    trace = Trace.of(stream(500, bad=7), ROOM)
    (finding,) = trace.findings
    assert finding.pass_number == 7
    assert [p.number for p in trace.passes][:2] != [7, 8]
    assert trace.passes[0].number == 7
    at = moves.previous_finding(trace, moves.edge(trace))
    assert at == Cursor(7, finding.step)
    state = state_at(trace, at.number, at.step)
    assert state.step is not None
    assert str(gone.before(state_at(trace, trace.passes[1].number))).startswith("Passes 8-")


def test_a_gradient_used_again_is_found_though_its_pass_was_let_go() -> None:
    trace = Trace.of(stream(200), ROOM)
    (finding,) = trace.fold(UsedAgain(1, (2,)))
    assert (finding.kind, finding.pass_number, finding.name) == ("stale-gradient", 1, "w2")
    assert moves.previous_finding(trace, moves.edge(trace)) == Cursor(1, 0)


def test_memory_does_not_grow_with_the_passes() -> None:
    def measured(count: int) -> int:
        tracemalloc.start()
        trace = Trace.of(stream(count, parameters=20), 1 << 18)
        gc.collect()
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert trace.passes.begun == count
        return size

    few, many = measured(300), measured(1_200)
    assert many < few * 1.25


def test_passes_inside_and_beside_each_other_are_never_let_go_while_they_are_open() -> None:
    events = list(stream(60))
    outer = list(stream(1))
    inner = [event for event in events if getattr(event, "number", 0) > 1]
    trace = Trace.of([*outer[:2], *inner, *outer[2:]], 4_000)
    assert 2 <= len(trace.passes) < 60
    assert moves.edge(trace) == Cursor(1, 2)
    assert trace.passes[0].number == 1
    assert moves.back(trace, Cursor(1, 2)) == Cursor(60, 2)


def test_arrivals_know_their_order_after_some_were_forgotten() -> None:
    arrivals = Arrivals()
    order = [(1, 0), (1, 1), (2, 0), (2, 1), (1, 2), (3, 0), (3, 1)]
    assert [arrivals.add(*at) for at in order] == list(range(7))
    arrivals.forget({2})
    assert (arrivals.first, arrivals.last, len(arrivals)) == ((1, 0), (3, 1), 7)
    kept = [at for at in order if at[0] != 2]
    assert [arrivals.after(i) for i, at in enumerate(order) if at in kept] == [*kept[1:], None]
    assert [arrivals.before(i) for i, at in enumerate(order) if at in kept] == [None, *kept[:-1]]
    assert (arrivals.before(3), arrivals.after(2)) == ((1, 1), (1, 2))


async def test_the_screen_says_what_was_let_go_and_shows_what_is_left_of_it() -> None:
    program = PROGRAMS / "trains.py"
    async with debugger(program, argv=("sgd-before", "30"), keep=30_000) as (app, pilot):
        await pilot.press("c")
        await ended(app, pilot)
        trace = app.state.trace
        first = trace.passes[0].number
        assert 1 < first < 30
        app.move_to(Cursor(first, 0))
        await pilot.press("[")
        told = f"Passes 1-{first - 1} were let go (--keep 29.3KB)"
        await until(pilot, lambda: any(told in n.message for n in app._notifications))
        assert app.state.cursor == Cursor(first, 0)
        app.move_to(moves.parse(trace, "1:", app.state.cursor))
        await pilot.pause()
        assert "Pass 1 was let go (--keep 29.3KB)." in graph_text(app)
        assert "--out FILE records them all" in pane(app, "step")
        assert pane(app, "leaves").split("\n")[1].split() == ["w", "2.236", "None", "4.472", "4.472"]
        assert "pass 1/30  let go" in screen_text(app)
        await pilot.press("n")
        assert app.state.cursor == Cursor(first, 0)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512MB", 512 << 20),
        ("1g", 1 << 30),
        ("1.5 GiB", 3 << 29),
        ("20000000", 20_000_000),
        ("2048K", 2 << 20),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size
    assert parse_size(size_text(size)) == pytest.approx(size, rel=0.01)


@pytest.mark.parametrize("text", ["", "lots", "-1GB", "1KB", "nan", "1e9", "9999999TB", "MB"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write 512MB or 2GB"):
        parse_size(text)
