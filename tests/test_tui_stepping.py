"""Stepping, going back, running on, searching: over scalar, torch and faulty programs, and recordings."""

from __future__ import annotations

from pathlib import Path

import pytest
from tui import (
    PROGRAMS,
    SCENARIOS,
    debugger,
    ended,
    graph_text,
    moment,
    pane,
    screen_text,
    status_of,
    step,
    until,
)

from gradtui.trace import Trace
from gradtui.trace.cursor import Cursor
from gradtui.tui.app import DebuggerApp
from gradtui.wire.recording import read_recording


async def test_it_opens_stopped_before_the_first_node() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, _):
        assert app.state.cursor == Cursor(1, 0)
        assert app.state.trace.stops.newest.reason == "entry"
        assert "before the first step" in pane(app, "step")
        lines = graph_text(app).splitlines()
        assert lines[1].split()[:2] == ["›", "o"]
        assert not any("✓" in line or "▶" in line for line in lines)


async def test_n_runs_one_node_and_shows_the_chain_rule_in_symbols_and_numbers() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        await step(app, pilot, 4)
        assert app.state.cursor == Cursor(1, 4)
        assert len(app.state.trace.passes[0].steps) == 4  # the program itself went no further
        text = pane(app, "step")
        assert "∂o/∂x1 += ∂o/∂(x1*w1) · w1 = 0.5 · -3 = -1.5" in text
        assert "∂o/∂w1 += ∂o/∂(x1*w1) · x1 = 0.5 · 2 = 1" in text
        graph = graph_text(app)
        assert "├─▶  x1*w1" in graph
        assert "├─✓  x1*w1 + x2*w2" in graph
        assert "├─›  x1" in graph
        assert "└─·  x2*w2" in graph
        ledger = pane(app, "ledger")
        assert "x1  1 of 1 contribution" in ledger
        assert "sum -1.5" in ledger
        await step(app, pilot)
        assert "x1.grad:  before 0 + added -1.5 = after -1.5" in pane(app, "step")
        assert "▶ x1" in pane(app, "leaves")


async def test_the_torch_pane_follows_the_selection_both_ways() -> None:
    async with debugger(SCENARIOS / "neuron.py", twin=True) as (app, pilot):
        await step(app, pilot, 5)
        chain = "TanhBackward0 → AddBackward0 → AddBackward0 → MulBackward0 → AccumulateGrad(x1)"
        assert chain in pane(app, "torch")
        assert "= exact" in pane(app, "torch")
        await pilot.press("up")
        assert "AccumulateGrad" not in pane(app, "torch")
        assert pane(app, "torch").splitlines()[0].endswith("MulBackward0")
        await pilot.press("down", "down")
        assert "AccumulateGrad(w1)" in pane(app, "torch")


async def test_time_travel_touches_no_program_and_shows_the_same_again() -> None:
    async with debugger(SCENARIOS / "neuron.py", twin=True) as (app, pilot):
        seen = [moment(app)]
        for _ in range(6):
            await step(app, pilot)
            seen.append(moment(app))
        for expected in reversed(seen[:-1]):
            await pilot.press("N")
            assert moment(app) == expected
            assert len(app.state.trace.passes[0].steps) == 6
        assert "looking back" in screen_text(app).splitlines()[0]
        for expected in seen[1:]:
            await pilot.press("n")
            assert moment(app) == expected


async def test_continue_runs_to_the_end_and_back_to_the_stop() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        await pilot.press("c")
        await ended(app, pilot)
        assert app.state.cursor == Cursor(1, 10)
        assert "ran to its end, 1 pass" in screen_text(app)
        await pilot.press("6")
        await until(pilot, lambda: "o = 0.7071067811865477" in pane(app, "output"))
        await pilot.press("C")
        assert app.state.cursor == Cursor(1, 0)
        await pilot.press("c")
        assert app.state.cursor == Cursor(1, 10)


async def test_steps_asked_for_faster_than_the_program_takes_them_are_all_taken() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        await pilot.press(*"nnnnnn")
        await until(pilot, lambda: app.state.cursor == Cursor(1, 6))


async def test_going_to_a_step_and_searching() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        await step(app, pilot, 7)
        await pilot.press("g", *"2", "enter")
        assert app.state.cursor == Cursor(1, 2)
        await pilot.press("g", *"99", "enter")
        assert app.state.cursor == Cursor(1, 2)
        assert app.prompt.value == "99"  # to be mended
        await pilot.press("escape")
        await pilot.press("slash", *"w2", "enter")
        assert app.state.selected_node is not None
        assert "w2" in (app.state.selected_node.name or "")
        await pilot.press("slash", *"zzz", "enter")
        await pilot.press("w")
        assert app.state.selected_node is not None


async def test_a_pass_at_a_time() -> None:
    async with debugger(PROGRAMS / "shared_leaf.py") as (app, pilot):
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: app.state.cursor == Cursor(2, 0))
        await pilot.press("left_square_bracket")
        assert app.state.cursor == Cursor(1, 0)
        await pilot.press("right_square_bracket")
        assert app.state.cursor == Cursor(2, 0)
        await step(app, pilot)
        assert app.state.cursor == Cursor(2, 1)


async def test_a_pass_inside_a_step_is_walked_in_the_order_it_ran() -> None:
    async with debugger(PROGRAMS / "nested_pass.py") as (app, pilot):
        order = [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2), (2, 3), (2, 4), (1, 3), (1, 4)]
        seen = [app.state.cursor]
        for _ in order[1:]:
            await step(app, pilot)
            assert "looking back" not in screen_text(app).splitlines()[0]
            seen.append(app.state.cursor)
        assert [(c.number, c.step) for c in seen] == order
        for number, at in reversed(order[:-1]):
            await pilot.press("N")
            assert app.state.cursor == Cursor(number, at)


async def test_a_search_replaces_the_one_before() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        await pilot.press("slash", *"zzz", "enter")
        await pilot.press("slash", *"x1", "enter")
        assert app.state.selected_node is not None
        assert "x1" in (app.state.selected_node.name or "")


async def test_a_torch_program_shows_its_chain_and_what_torch_saved() -> None:
    async with debugger(SCENARIOS / "torch_neuron.py") as (app, pilot):
        await step(app, pilot)
        text = pane(app, "torch")
        assert text.splitlines()[0] == "TanhBackward0"
        assert "saved by torch for this node" in text
        assert "result" in text
        assert "0.707107" in text
        await step(app, pilot, 2)
        assert "b.grad:  before None + added 0.5 = after 0.5" in pane(app, "step")
        assert "TanhBackward0 → AddBackward0 → AccumulateGrad(b)" in pane(app, "torch")


async def test_a_program_that_raises_leaves_its_steps_and_its_words() -> None:
    async with debugger(PROGRAMS / "raises_after_pass.py") as (app, pilot):
        await pilot.press("c")
        await ended(app, pilot)
        assert "ValueError" in screen_text(app).splitlines()[0]
        assert "Traceback" in pane(app, "output")
        assert len(app.state.trace.passes[0].steps) > 0
        await pilot.press("N")
        assert not app.state.at_edge


async def test_a_program_without_a_pass_says_so() -> None:
    async with debugger(PROGRAMS / "no_backward.py") as (app, pilot):
        await until(pilot, lambda: "without a backward pass" in screen_text(app))
        assert "ran to its end, 0 passes" in status_of(app)


async def test_quitting_ends_the_program() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        program = app.program
        assert program is not None
        await pilot.press("q")
        await pilot.pause()
        assert program.session.exited is not None


@pytest.mark.parametrize("running", [True, False])
async def test_the_program_can_be_interrupted_as_at_its_own_terminal(running: bool) -> None:
    program = PROGRAMS / "interrupted.py"
    async with debugger(program, argv=("politely",), stdin="terminal") as (app, pilot):
        if running:
            await pilot.press("c")
            await until(pilot, lambda: app.state.trace.passes.newest > 3)
        await pilot.press("I")
        if not running:  # it stood inside the pass
            await until(pilot, lambda: "the exception has ended the pass" in status_of(app))
            await pilot.press("c")
        await ended(app, pilot)
        assert app.state.trace.exited is not None
        assert app.state.trace.exited.code == 5
        assert "interrupted" in pane(app, "output")
        await pilot.press("I")
        await until(pilot, lambda: "Nothing is running." in screen_text(app))


async def test_a_recording_opens_as_the_same_screen(tmp_path: Path) -> None:
    file = tmp_path / "neuron.gradtui"
    live = []
    async with debugger(SCENARIOS / "neuron.py", twin=True, record=file) as (app, pilot):
        for _ in range(10):
            live.append(moment(app))
            await step(app, pilot)
        await pilot.press("c")
        await ended(app, pilot)
    app = DebuggerApp.over_recording(Trace.of(read_recording(file)), "neuron.py")
    async with app.run_test(size=(160, 48)) as pilot:
        await until(pilot, lambda: app.state.cursor == Cursor(1, 0))
        for expected in live:
            assert moment(app) == expected
            await pilot.press("n")
        await pilot.press("n", "n")
        assert app.state.cursor == Cursor(1, 10)
