"""The list of lessons and of a folder's programs: chosen, read, opened, come back to."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import PATIENCE
from tui import SCENARIOS, picker, screen_text, until

from gradtui.trace.cursor import Cursor
from gradtui.tui.picker import PickerScreen


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two lessons and a file that is no program."""
    (tmp_path / "broken.py").write_text("def half(:\n")
    for name, order in (("second", 2), ("first", 1)):
        (tmp_path / f"{name}.py").write_text(
            f'''"""The {name} lesson\n\nWhat it is about.\n"""\n'''
            f"SCENARIO = {{'order': {order}}}\n"
            "import gradtui\nfrom gradtui.scalar import Value\n"
            "many = gradtui.knob('many', 2, choices=[2, 3])\n"
            "x = Value(3.0)\ny = x * x\ny.backward()\n"
        )
    return tmp_path


async def test_lessons_stand_in_their_order_with_what_they_are_about(folder: Path) -> None:
    async with picker(folder) as (app, pilot):
        await until(pilot, lambda: "What it is about." in screen_text(app))
        text = screen_text(app)
        assert "lessons · 3" in text
        lines = [
            line for line in text.splitlines() if "│" in line and (" lesson " in line or "broken" in line)
        ]
        assert "▶ first" in lines[0]
        assert "The first lesson" in lines[0]
        assert "scalar" in lines[0]
        assert "knobs" in lines[0]
        assert "second" in lines[1]
        assert "✗" in lines[2]
        assert "knob  many" in text


async def test_a_broken_file_shows_its_reason_and_does_not_open(folder: Path) -> None:
    async with picker(folder) as (app, pilot):
        await pilot.press("end")
        await until(pilot, lambda: "def half(:" in screen_text(app))
        assert "line 1" in screen_text(app)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, PickerScreen)
        assert app.program is None


async def test_enter_opens_and_q_comes_back_to_the_same_line_and_leaves(folder: Path) -> None:
    async with picker(folder) as (app, pilot):
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.state.cursor == Cursor(1, 0))
        assert app.screen is app.debugger
        assert "second.py" in screen_text(app).splitlines()[0]
        program = app.program
        assert program is not None
        await pilot.press("n")
        await until(pilot, lambda: app.state.cursor == Cursor(1, 1))
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, PickerScreen))
        assert program.session.exited is not None
        await until(pilot, lambda: "▶ second" in screen_text(app))
        await pilot.press("up", "enter")
        await until(pilot, lambda: app.state.title == "first.py" and app.state.cursor == Cursor(1, 0))
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, PickerScreen))
        await pilot.press("q")
        await until(pilot, lambda: app._exit)


async def test_a_narrow_list_is_whole() -> None:
    async with picker(SCENARIOS, (80, 24)) as (app, pilot):
        await until(pilot, lambda: "▶ neuron" in screen_text(app))
        lines = screen_text(app).splitlines()
        assert len(lines) == 24
        assert not app.screen.query_one("#about").display
        assert "q Quit" in lines[-1]
        await pilot.press("end", "up", "down", "home", "down")
        await until(pilot, lambda: "▶ neuron" not in screen_text(app))


async def test_a_click_marks_a_line_and_two_open_it(folder: Path) -> None:
    async with picker(folder) as (app, pilot):
        await until(pilot, lambda: "second" in screen_text(app))
        y = next(i for i, line in enumerate(screen_text(app).splitlines()) if "The second lesson" in line)
        await pilot.click(offset=(6, y))
        await until(pilot, lambda: "▶ second" in screen_text(app))
        app.CLICK_CHAIN_TIME_THRESHOLD = PATIENCE  # seconds in which two clicks are one double click
        await pilot.click(offset=(6, y), times=2)
        await until(pilot, lambda: app.state.title == "second.py")
