"""The keys: help, what the footer offers, and that none is lost however fast it is typed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from textual.events import Key
from tui import (
    SCENARIOS,
    debugger,
    ended,
    screen_text,
    until,
)

from gradtui.trace import Trace
from gradtui.trace.cursor import Cursor
from gradtui.tui.app import DebuggerApp
from gradtui.tui.offered import offered
from gradtui.views.state import State
from gradtui.wire.messages import Exited, Node, PassBegan


async def test_help_names_every_key() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        await pilot.press("question_mark")
        await until(pilot, lambda: app.screen is not app.debugger)
        text = screen_text(app)
        for word in ("one step forward / back", "search", "knobs", "quit"):
            assert word in text
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.debugger)


async def test_the_footer_of_a_narrow_screen_is_whole() -> None:
    async with debugger(SCENARIOS / "neuron.py", (80, 24)) as (app, _):
        last = screen_text(app).splitlines()[-1]
        for text in (
            "n Step",
            "N Back",
            "c Run",
            "] Pass",
            "b Break",
            "? Help",
            "q Quit",
            "k Knob",
            "e Edit",
            "r Again",
        ):
            assert text in last


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_footer_offers_the_keys_that_make_sense_as_many_as_fit(width: int) -> None:
    began = PassBegan(1, "torch", (1,), (Node(1, "Op", (), False),))
    live = State(Trace.of([began]), "x", Cursor(1, 0), has_knobs=True, has_inputs=True)
    recording = State(Trace.of([began]), "x", Cursor(1, 0), recording=True, opening=0.5)
    ended = replace(live, trace=Trace.of([began, Exited(0, 1, 0)]))
    words = {name: [*offered(state, width).values()] for name, state in
             {"live": live, "recording": recording, "ended": ended}.items()}  # fmt: skip
    for found in words.values():
        assert [word for word in found if word not in ("Step", "Pass")][:3] == ["Help", "Quit", "Back"]
        assert len("".join(f" k {word} " for word in found).rstrip()) <= width
    assert {"Step", "Pass", "Run", "Break"} <= {*words["live"]}
    assert {"Step", "Pass"} <= {*words["recording"]}
    assert not {"Step", "Pass"} & {*words["ended"]}
    assert not {"Run", "Break", "Watch", "Over", "Out"} & {*words["ended"]}
    assert not {"Break", "Watch"} & {*words["recording"]}
    assert "Run" in words["recording"]  # to its end
    assert not {"Again", "Knob", "Edit"} & {*words["recording"]}
    assert {"Again", "Knob"} <= {*words["ended"]}
    assert ("Watch" in words["live"]) == (width >= 120)
    nothing_yet = offered(replace(live, trace=Trace()), width).values()
    assert not {"Back", "Find", "Go to", "Tensors"} & {*nothing_yet}


async def test_the_footer_changes_as_the_program_ends_and_keys_it_does_not_offer_say_why() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        assert "c Run" in screen_text(app).splitlines()[-1]
        await pilot.press("c")
        await ended(app, pilot)
        await until(pilot, lambda: "c Run" not in screen_text(app).splitlines()[-1])
        assert "r Again" in screen_text(app).splitlines()[-1]
        await pilot.press("N")
        await until(pilot, lambda: "n Step" in screen_text(app).splitlines()[-1])
        await pilot.press("n")
        await until(pilot, lambda: "n Step" not in screen_text(app).splitlines()[-1])
        await pilot.press("c")
        await until(pilot, lambda: "The program has ended" in screen_text(app))


def type_at_once(app: DebuggerApp, keys: Iterable[str]) -> None:
    assert app._driver is not None
    for key in keys:
        event = Key(key, key if len(key) == 1 else None)
        event.set_sender(app)
        app._driver.send_message(event)


async def test_a_step_and_to_run_are_both_done_however_fast_they_are_asked_for() -> None:
    async with debugger(SCENARIOS / "zero_grad.py") as (app, pilot):
        type_at_once(app, "nnnc")
        await ended(app, pilot)
        assert app.program is not None
        assert len(app.program.trace.stops) == 4  # at the first pass, and behind three steps


async def test_however_fast_one_types_text_is_text_and_keys_are_keys() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        await pilot.press("c")
        await ended(app, pilot)
        type_at_once(
            app, ["N", *"g5", "enter", "n", "slash", *"zero", "escape", *"g2", "enter", "N", "g", *"1:"]
        )
        await until(pilot, lambda: app.prompt.value == "1:")
        assert app.state.cursor.step == 1
        assert app.prompt.display
        await pilot.press("4", "enter", "n")
        await until(pilot, lambda: app.state.cursor.step == 5)
        assert not app.prompt.display
