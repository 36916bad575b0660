"""The app over real programs, driven by keys: what the tests of the screen share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

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


@asynccontextmanager
async def debugger(
    program: Path, size: tuple[int, int] = (160, 48), waits: bool = False, **options: object
) -> AsyncIterator[tuple[DebuggerApp, Pilot[None]]]:
    """The app over a program, stopped before the first node of its first pass (or at its end).

    `waits`: the program reads input before it comes to a pass.
    """
    opened = open_program(str(program))
    run = Run(opened, Plan(opened.path, **options))  # type: ignore[arg-type]
    try:
        app = DebuggerApp.over_run(run)
        async with app.run_test(size=size, notifications=True) as pilot:
            await until(pilot, lambda: waits or run.stopped or run.session.exited is not None)
            await until(pilot, lambda: app.state.stopped is run.session.stopped)
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
    raise AssertionError(f"the condition never came true; the screen:\n{screen_text(pilot.app)}")


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
