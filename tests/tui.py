"""The app over real programs, driven by keys: what the tests of the screen share."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import textual.app
import textual.pilot
from running import PATIENCE
from textual._context import active_app
from textual.app import App
from textual.pilot import Pilot

from gradtui.session.programs import Program, open_program, programs_in
from gradtui.session.run import Run
from gradtui.session.session import Plan
from gradtui.tui.app import DebuggerApp
from gradtui.tui.picker import PickerScreen
from gradtui.tui.widgets.pane import Pane
from gradtui.views.rows import text_of

SCENARIOS = Path(__file__).parent.parent / "scenarios"
PROGRAMS = Path(__file__).parent / "programs"


ROUNDS = 6
"""A key's way: the app, the focused widget, an action, a message of it, a repaint."""


async def settled(*_: object) -> None:
    """Wait until all widgets have dealt with what they were sent, and with what came of that.

    In place of Textual's own way, which takes a process for done that does not get its turn, and sleeps.
    """
    pilot = Pilot(active_app.get())
    for _ in range(ROUNDS):
        await pilot._wait_for_screen()


for module in (textual.app, textual.pilot):
    module.wait_for_idle = settled  # type: ignore[attr-defined]


@asynccontextmanager
async def debugger(
    program: Path,
    size: tuple[int, int] = (160, 48),
    waits: bool = False,
    twin: bool = False,
    spare: bool = False,
    **options: object,
) -> AsyncIterator[tuple[DebuggerApp, Pilot[None]]]:
    """The app over a program, stopped before the first node of its first pass (or at its end).

    `waits`: the program reads input before it comes to a pass. `twin`, `spare`: torch is loaded for a
    scalar program, and for the next run of a lesson, which takes longer than all else.
    """
    opened = open_program(str(program))
    run = Run(opened, Plan(opened.path, twin=twin, **options))  # type: ignore[arg-type]
    if not spare:
        run.prepare = lambda: None  # type: ignore[method-assign]
    try:
        app = DebuggerApp.over_run(run)
        async with app.run_test(size=size, notifications=True) as pilot:
            await until(pilot, lambda: waits or app.state.stopped is not None or at_end(app))
            yield app, pilot
    finally:
        run.close()


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Wait for a condition of the app."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"the condition never came true; the screen:\n{screen_text(pilot.app)}")
        await pilot.pause(0.02)
    await pilot.pause()


async def ended(app: DebuggerApp, pilot: Pilot[None]) -> None:
    """Wait until the program has ended and the screen says so."""
    await until(pilot, lambda: at_end(app))


def at_end(app: DebuggerApp) -> bool:
    """Does the screen stand at the end of a program that has ended?"""
    return app.state.trace.exited is not None and "■" in status_of(app)


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


def status_of(app: DebuggerApp) -> str:
    """The top line."""
    return screen_text(app).splitlines()[0]


def screen_text(app: App[None]) -> str:
    """Everything on the screen."""
    return "\n".join(
        "".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()
    )


@asynccontextmanager
async def picker(
    folder: Path, size: tuple[int, int] = (160, 48)
) -> AsyncIterator[tuple[DebuggerApp, Pilot[None]]]:
    """The list of a folder's programs."""
    runs: list[Run] = []

    def start(program: Program) -> Run:
        runs.append(Run(program, Plan(program.path, stdin="terminal", twin=False)))
        return runs[-1]

    app = DebuggerApp.over_lessons(programs_in(folder), start)
    try:
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: isinstance(app.screen, PickerScreen))
            yield app, pilot
    finally:
        for run in runs:
            run.close()


async def click(app: DebuggerApp, pilot: Pilot[None], text: str, within: str) -> None:
    """Click on a text of a pane, found as it is painted."""
    region = app.debugger.query_one(f"#{within}").region
    for y, line in enumerate(screen_text(app).splitlines()):
        x = line.find(text, region.x, region.right)
        if region.y <= y < region.bottom and x >= 0:
            await pilot.click(offset=(x + 1, y))
            return
    raise AssertionError(f"{text!r} is not in {within}:\n{screen_text(app)}")
