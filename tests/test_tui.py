"""The app over real programs, driven by keys: asserted state and plain-text screens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from gradtui.session.programs import open_program
from gradtui.session.run import Run
from gradtui.session.session import Plan
from gradtui.trace import Trace
from gradtui.trace.cursor import Cursor
from gradtui.tui.app import DebuggerApp
from gradtui.tui.widgets.pane import Pane
from gradtui.views.rows import text_of
from gradtui.wire.recording import read_recording

SCENARIOS = Path(__file__).parent.parent / "scenarios"
PROGRAMS = Path(__file__).parent / "programs"


@asynccontextmanager
async def debugger(
    program: Path, size: tuple[int, int] = (160, 48), **options: object
) -> AsyncIterator[tuple[DebuggerApp, Pilot[None]]]:
    """The app over a program, stopped before the first node of its first pass (or at its end)."""
    opened = open_program(str(program))
    run = Run(opened, Plan(opened.path, **options))  # type: ignore[arg-type]
    try:
        app = DebuggerApp.over_run(run)
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: run.stopped or run.session.exited is not None)
            yield app, pilot
    finally:
        run.close()


async def until(pilot: Pilot[None], condition: Callable[[], object], tries: int = 600) -> None:
    """Wait for a condition of the app."""
    for _ in range(tries):
        if condition():
            await pilot.pause()
            return
        await pilot.pause(0.05)
    raise AssertionError("the condition never came true")


async def step(app: DebuggerApp, pilot: Pilot[None], count: int = 1) -> None:
    """Press `n` and wait until the screen is there."""
    for _ in range(count):
        before = app.state.cursor
        await pilot.press("n")
        await until(pilot, lambda before=before: app.state.cursor != before)


def pane(app: DebuggerApp, name: str) -> str:
    """A pane's rows as text."""
    return text_of(app.debugger.query_one(f"#{name}", Pane).rows)


def graph_text(app: DebuggerApp) -> str:
    """The graph as it is painted."""
    graph = app.debugger.graph
    return "\n".join(graph.render_line(y).text.rstrip() for y in range(graph.size.height)).rstrip()


def moment(app: DebuggerApp) -> list[str]:
    """All that a position shows; how far a pane is scrolled is not part of it."""
    source = str(app.debugger.query_one("#source", Pane).border_title)
    return [
        graph_text(app),
        source,
        *[pane(app, name) for name in ("step", "ledger", "leaves", "torch", "findings")],
    ]


def screen_text(app: DebuggerApp) -> str:
    """Everything on the screen."""
    return "\n".join(
        "".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()
    )


# ------------------------------------------------------------------------ a scalar program


async def test_it_opens_stopped_before_the_first_node() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, _):
        assert app.state.cursor == Cursor(1, 0)
        assert app.state.trace.stops[0].reason == "entry"
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
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
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
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
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
        await until(pilot, lambda: app.state.trace.exited is not None)
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


# ------------------------------------------------------------------------- the faulty engine


async def test_the_overwrite_is_seen_and_a_knob_repairs_it() -> None:
    async with debugger(SCENARIOS / "accumulation.py") as (app, pilot):
        await step(app, pilot)
        assert "a.grad: 1 was overwritten by 1" in pane(app, "step")
        assert "overwrote 1; adding gives 2" in pane(app, "ledger")
        assert [f.kind for f in app.state.trace.findings] == ["overwritten-gradient"]
        assert "⚠ overwritten-gradient" in screen_text(app)
        await step(app, pilot)
        assert "≠ -1" in pane(app, "torch")
        await pilot.press("k")
        await until(pilot, lambda: app.screen is not app.debugger)
        await pilot.press("down", "enter")
        program = app.program
        assert program is not None
        await until(pilot, lambda: program.plan.knobs.get("repaired") == "on" and program.stopped)
        await step(app, pilot, 2)
        assert "repaired=on" in screen_text(app).splitlines()[0]
        assert not app.state.trace.findings
        assert "= exact" in pane(app, "torch").splitlines()[-1]
        assert "before 0 + added 2 = after 2" in pane(app, "step")


async def test_run_again_starts_from_the_beginning() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        await step(app, pilot, 3)
        old = app.state.trace
        await pilot.press("r")
        await until(pilot, lambda: app.state.trace is not old and app.state.cursor == Cursor(1, 0))
        assert len(app.state.trace.passes[0].steps) == 0


# --------------------------------------------------------------------------- a torch program


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


# ------------------------------------------------------------------- programs that go wrong


async def test_a_program_that_raises_leaves_its_steps_and_its_words() -> None:
    async with debugger(PROGRAMS / "raises_after_pass.py") as (app, pilot):
        await pilot.press("c")
        await until(pilot, lambda: app.state.trace.exited is not None)
        assert "ValueError" in screen_text(app).splitlines()[0]
        assert "Traceback" in pane(app, "output")
        assert len(app.state.trace.passes[0].steps) > 0
        await pilot.press("N")
        assert not app.state.at_edge


async def test_a_program_without_a_pass_says_so() -> None:
    async with debugger(PROGRAMS / "no_backward.py") as (app, _):
        await_text = screen_text(app)
        assert "ran to its end, 0 passes" in await_text
        assert "without a backward pass" in await_text


async def test_quitting_ends_the_program() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        program = app.program
        assert program is not None
        await pilot.press("q")
        await pilot.pause()
        assert program.session.exited is not None


# --------------------------------------------------------------------------- sizes and faces


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (160, 48), (200, 60), (60, 16)])
async def test_every_size_shows_the_graph_and_the_step(size: tuple[int, int]) -> None:
    async with debugger(SCENARIOS / "neuron.py", size) as (app, pilot):
        await step(app, pilot, 2)
        await until(pilot, lambda: "received ∂o/∂n = 0.5" in screen_text(app))
        text = screen_text(app)
        lines = text.splitlines()
        assert len(lines) == size[1]
        assert "neuron.py" in lines[0]
        assert "▶  n" in text


async def test_the_tabs_of_a_narrow_screen_show_each_pane() -> None:
    async with debugger(SCENARIOS / "neuron.py", (80, 24)) as (app, pilot):
        await step(app, pilot, 4)
        for key, expected in {
            "2": "0.5 · -3",
            "3": "before",
            "4": "MulBackward0",
            "5": "▶35",
            "6": "nothing printed",
            "7": "No findings",
        }.items():
            await pilot.press(key)
            await until(pilot, lambda expected=expected: expected in screen_text(app))
        await pilot.press("1")
        await until(pilot, lambda: "▶  x1*w1" in screen_text(app))


async def test_help_names_every_key() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        await pilot.press("question_mark")
        await until(pilot, lambda: app.screen is not app.debugger)
        text = screen_text(app)
        for word in ("one step forward / back", "search", "knobs", "quit"):
            assert word in text
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.debugger)


async def test_folding_hides_and_stepping_reveals() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        await step(app, pilot, 3)
        await pilot.press("left")
        assert "x1*w1  " not in graph_text(app).replace("x1*w1 + x2*w2", "")
        await step(app, pilot)
        assert "▶  x1*w1" in graph_text(app)


# -------------------------------------------------------------------------------- recordings


async def test_a_recording_opens_as_the_same_screen(tmp_path: Path) -> None:
    file = tmp_path / "neuron.gradtui"
    live = []
    async with debugger(SCENARIOS / "neuron.py", record=file) as (app, pilot):
        for _ in range(10):
            live.append(moment(app))
            await step(app, pilot)
        await pilot.press("c")
        await until(pilot, lambda: app.state.trace.exited is not None)
        await until(pilot, lambda: app.program is not None and app.program.session.exited is not None)
    app = DebuggerApp.over_recording(Trace.of(read_recording(file)), "neuron.py")
    async with app.run_test(size=(160, 48)) as pilot:
        await until(pilot, lambda: app.state.cursor == Cursor(1, 0))
        for expected in live:
            assert moment(app) == expected
            await pilot.press("n")
        await pilot.press("n", "n")
        assert app.state.cursor == Cursor(1, 10)
