"""Going over and out of modules on the screen: it says where that leads."""

from __future__ import annotations

from tui import PROGRAMS, debugger, screen_text, status_of, step, until

from gradtui.trace.cursor import Cursor
from gradtui.views.leaving import arrived, backwards, forwards, up_to


async def test_going_over_and_out_of_modules_says_where_it_led() -> None:
    async with debugger(PROGRAMS / "blocks.py") as (app, pilot):
        await step(app, pilot, 10)
        inner = app.state.step
        assert inner is not None
        assert inner.node.module == "blocks.7.down"
        await pilot.press("u")  # the program itself goes on
        await until(pilot, lambda: "Out of blocks.7: 1:" in screen_text(app))
        edge = app.state.cursor
        assert f"Out of blocks.7: 1:{edge.step}" in screen_text(app)
        words = backwards(app.state, False)
        assert words.startswith("Before blocks.7.")
        await pilot.press("O")  # along what is there
        await until(pilot, lambda: f"{words}: 1:" in screen_text(app))
        assert Cursor(1, 0) < app.state.cursor < edge
        await pilot.press("U", "U")
        await until(pilot, lambda: "The start of the pass: 1:0" in screen_text(app))


async def test_the_end_of_the_pass_is_told_where_nothing_else_is_left_to_leave() -> None:
    async with debugger(PROGRAMS / "linear.py") as (app, pilot):
        await pilot.press("u")
        await until(pilot, lambda: "The end of the pass: 1:" in screen_text(app))
        assert "stopped at the end of the pass" in status_of(app)
        end = app.state.cursor
        shown = app.state.shown_pass
        assert shown is not None
        app.select(shown.messages[2].node)
        await pilot.press("h")
        await until(pilot, lambda: "Before " in screen_text(app))
        assert app.state.cursor == Cursor(1, 2) < end
        assert app.state.selected == shown.messages[2].node


async def test_the_node_that_was_run_to_stays_selected_whatever_is_asked_of_it() -> None:
    async with debugger(PROGRAMS / "blocks.py") as (app, pilot):
        shown = app.state.shown_pass
        assert shown is not None
        node = next(n.id for n in shown.nodes.values() if n.module == "blocks.5.down" and not n.leaf)
        app.select(node)
        await pilot.press("h")
        await until(pilot, lambda: app.state.stopped is not None and app.state.stopped.next == node)
        await until(pilot, lambda: app.state.selected == node)
        await pilot.press("p")
        await until(pilot, lambda: "received[0]" in screen_text(app))
        await pilot.press("escape")
        assert app.state.selected == node


async def test_words_for_what_lies_in_no_module_and_for_nothing_to_leave() -> None:
    async with debugger(PROGRAMS / "blocks.py") as (app, pilot):
        assert forwards(app.state, False) == "Past what lies outside of all modules"
        assert forwards(app.state, True) == "The end of the pass"
        assert backwards(app.state, True) == ""
        assert up_to(app.state, -1) == ""
        assert arrived("Past a", Cursor(2, 7)) == "Past a: 2:7"
        await step(app, pilot)
        assert backwards(app.state, False) == "Before what lies outside of all modules"
