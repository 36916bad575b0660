"""Having the program do something else: knobs, inputs, zeroed gradients, typed lines."""

from __future__ import annotations

from pathlib import Path
from time import sleep

import pytest
from textual.events import Key, Paste
from textual.widgets import OptionList
from tui import PROGRAMS, SCENARIOS, debugger, ended, pane, screen_text, status_of, step, until

from gradtui.trace.cursor import Cursor
from gradtui.tui.widgets import prompt


async def test_the_overwrite_is_seen_and_a_knob_repairs_it() -> None:
    async with debugger(SCENARIOS / "accumulation.py", twin=True, spare=True) as (app, pilot):
        await step(app, pilot)
        assert "a.grad: 1 was overwritten by 1" in pane(app, "step")
        assert "overwrote 1; adding gives 2" in pane(app, "ledger")
        assert [f.kind for f in app.state.trace.findings] == ["overwritten-gradient"]
        assert "⚠ overwritten-gradient" in screen_text(app)
        await step(app, pilot)
        assert "≠ -1" in pane(app, "torch")
        run = app.program
        assert run is not None
        await until(pilot, lambda: run._spare is not None)
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


async def test_k_lists_knobs_and_inputs_as_they_are() -> None:
    async with debugger(SCENARIOS / "accumulation.py") as (app, pilot):
        await pilot.press("k")
        await until(pilot, lambda: app.screen is not app.debugger)
        text = screen_text(app)
        assert "● repaired = off" in text
        assert "○ repaired = on" in text
        assert "✎ a = 3.0   (type another)" in text
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.debugger)


async def test_e_gives_the_selected_leaf_another_number_without_the_asserts() -> None:
    async with debugger(SCENARIOS / "neuron.py", stdin="terminal") as (app, pilot):
        await step(app, pilot, 5)  # the step of x1
        old = app.state.trace
        await pilot.press("e")
        assert app.prompt.value == "2.0"
        await pilot.press(*"3.5", "enter")
        await until(pilot, lambda: app.state.trace is not old and app.state.cursor == Cursor(1, 0))
        assert "x1=3.5" in status_of(app)
        await pilot.press("slash", *"x1", "enter", "enter")
        await pilot.press("c")
        await ended(app, pilot)
        assert app.state.trace.exited is not None
        assert app.state.trace.exited.error is None  # the asserts hold for the numbers as written
        await pilot.press("slash", *"x1", "enter")
        await until(pilot, lambda: "x1 = Value(3.5)" in pane(app, "source"))
        assert app.state.trace.passes[0].leaves["w1"].after != 1.0


async def test_a_number_that_is_none_is_refused_and_nothing_is_lost() -> None:
    async with debugger(SCENARIOS / "neuron.py", stdin="terminal") as (app, pilot):
        await step(app, pilot, 5)
        old, at = app.state.trace, app.state.cursor
        await pilot.press("e")
        await until(pilot, lambda: "enter runs again" in screen_text(app))
        await pilot.press(*"3+", "enter")
        await until(pilot, lambda: "3+" in screen_text(app))
        assert app.state.trace is old
        assert app.state.cursor == at
        assert app.prompt.display  # to be mended
        assert app.prompt.value == "3+"
        assert "x1 =" in screen_text(app)
        await pilot.press("escape")
        assert not app.prompt.display
        await step(app, pilot)  # the program goes on where it stood
        assert app.state.cursor == Cursor(1, 6)


async def test_an_edited_number_may_go_back_to_what_it_was() -> None:
    async with debugger(SCENARIOS / "neuron.py", stdin="terminal") as (app, pilot):
        program = app.program
        assert program is not None
        for text, shown in (("3.5", True), ("2.0", False)):
            old = app.state.trace
            await pilot.press("k", "enter")
            await until(pilot, lambda: app.prompt.display)
            await pilot.press(*text, "enter")
            await until(pilot, lambda old=old: app.state.trace is not old and program.stopped)
            await until(pilot, lambda: app.state.cursor == Cursor(1, 0))
            assert ("x1=3.5" in status_of(app)) == shown


async def test_z_zeroes_what_the_leaves_hold_at_the_start_of_a_pass() -> None:
    async with debugger(PROGRAMS / "holds_gradients.py") as (app, pilot):
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: app.state.cursor == Cursor(2, 0))
        await until(pilot, lambda: "holds" in pane(app, "leaves"))
        assert pane(app, "leaves").splitlines()[1].split() == ["!", "w", "2.5", "6", "1", "yes"]
        assert "z zeroes them now" in pane(app, "step")
        await pilot.press("z")
        await until(pilot, lambda: pane(app, "leaves").splitlines()[1].split() == ["w", "2.5", "0"])
        await until(pilot, lambda: "z zeroes" not in pane(app, "step"))
        await step(app, pilot, 2)
        assert "before 0 + added 5 = after 5" in pane(app, "step")
        await pilot.press("c")
        await ended(app, pilot)
        assert not app.state.trace.findings
        await pilot.press("6")
        await until(pilot, lambda: "w.grad = 5.0" in pane(app, "output"))


async def test_z_elsewhere_says_why_not() -> None:
    async with debugger(PROGRAMS / "holds_gradients.py") as (app, pilot):
        await step(app, pilot)
        await pilot.press("z")
        await until(pilot, lambda: "This pass is under way" in screen_text(app))
        await pilot.press("c")
        await ended(app, pilot)
        await pilot.press("z")
        await until(pilot, lambda: "be zeroed where" in screen_text(app))


async def test_another_knob_keeps_the_loss_curve_of_the_run_before(tmp_path: Path) -> None:
    program = tmp_path / "descends.py"
    program.write_text(
        "import gradtui\n"
        "from gradtui.scalar import Value\n"
        "rate = gradtui.knob('rate', 0.1, choices=[0.1, 0.3])\n"
        "w = Value(3.0)\n"
        "for turn in range(6):\n"
        "    loss = w * w\n"
        "    w.grad = 0.0\n"
        "    loss.backward()\n"
        "    w.data -= rate * w.grad\n"
    )
    async with debugger(program) as (app, pilot):
        await pilot.press("c")
        await ended(app, pilot)
        await pilot.press("9")
        await until(pilot, lambda: "pass 6:" in pane(app, "passes"))
        assert "rate=0.1" not in pane(app, "passes")
        await pilot.press("k")
        await until(pilot, lambda: app.screen is not app.debugger)
        app.screen.query_one(OptionList).highlighted = 1
        await pilot.press("enter")
        await until(pilot, lambda: "rate=0.3" in status_of(app) and app.state.stopped is not None)
        await pilot.press("c")
        await ended(app, pilot)
        await until(pilot, lambda: "pass 6:" in pane(app, "passes"))
        lines = pane(app, "passes").splitlines()
        assert any(line.startswith("A ━━━ rate=0.3") for line in lines)
        assert any(line.startswith("B ╺╸╺ rate=0.1") for line in lines)


async def test_lines_are_typed_to_a_program_that_reads_and_ctrl_d_ends_them() -> None:
    async with debugger(PROGRAMS / "asks.py", stdin="terminal", waits=True) as (app, pilot):
        await pilot.press("i")
        await until(pilot, lambda: "numbers, please" in pane(app, "output"))
        await pilot.press(*"2.5", "enter")
        await until(pilot, lambda: "so far 2.5" in pane(app, "output"))
        assert not app.prompt.display  # keys are keys again
        await pilot.press("i", *"4", "enter")
        await until(pilot, lambda: "so far 6.5" in pane(app, "output"))
        assert app.state.cursor == Cursor(0, 0)
        await pilot.press("i")
        await until(pilot, lambda: "ctrl+d ends the input" in screen_text(app))
        await pilot.press("ctrl+d")
        await until(pilot, lambda: app.state.cursor == Cursor(1, 0))
        assert not app.prompt.display
        await pilot.press("c")
        await ended(app, pilot)
        await pilot.press("i", *"1", "enter")
        await until(pilot, lambda: "input is closed" in screen_text(app))


async def test_lines_that_are_pasted_are_typed_and_the_last_one_waits_for_enter() -> None:
    async with debugger(PROGRAMS / "asks.py", stdin="terminal", waits=True) as (app, pilot):
        await until(pilot, lambda: "numbers, please" in pane(app, "output"))
        await pilot.press("i", "1")
        app.prompt.typed.post_message(Paste("0\r\n20\n3"))
        await until(pilot, lambda: "so far 30" in pane(app, "output"))
        assert app.prompt.value == "3"
        await pilot.press("0", "enter")
        await until(pilot, lambda: "so far 60" in pane(app, "output"))


async def test_a_recording_neither_runs_again_nor_reads() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        app.program, program = None, app.program
        await pilot.press("r")
        await until(pilot, lambda: "cannot run again" in screen_text(app))
        app.program = program


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("e", "cannot run again"),
        ("i", "reads nothing"),
        ("b", "does not run: / searches it"),
        ("W", "evaluates nothing"),
        ("equals_sign", "cannot go on otherwise"),
    ],
)
async def test_what_is_typed_over_a_recording_that_does_not_take_it_does_no_harm(
    key: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompt, "PAUSE", 60.0)  # the machine's pauses are not the person's
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        app.program, program = None, app.program
        before = app.state, app.debugger.panes.wish
        await pilot.press(key)
        await until(pilot, lambda: said in screen_text(app))
        await pilot.press(*"q9Nm.grad", "slash", "enter")
        assert app.is_running
        assert (app.state, app.debugger.panes.wish) == before
        await pilot.press("9")  # the line is closed: keys are keys again
        assert app.debugger.panes.wish.side == "passes"
        app.program = program


async def test_what_was_typed_without_a_pause_is_no_key_however_late_it_arrives() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        app.program, program = None, app.program
        await pilot.press("e")
        await until(pilot, lambda: "cannot run again" in screen_text(app))
        app.prompt.refuse("A recording cannot run again.")
        typed = Key("9", "9")
        sleep(prompt.PAUSE + 0.1)
        app.post_message(typed)
        await pilot.pause()
        assert app.prompt.display
        assert app.debugger.panes.wish.side != "passes"
        app.post_message(Key("9", "9"))
        await until(pilot, lambda: not app.prompt.display)
        app.program = program
