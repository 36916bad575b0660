"""The app: opens a program, a recording or the list of lessons, and listens to what the program sends."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from textual.app import SystemCommand
from textual.events import Event, Key, Resize
from textual.screen import Screen
from textual.timer import Timer

from gradtui.session.errors import BadInput
from gradtui.session.opening import Opening
from gradtui.session.programs import Program
from gradtui.session.recorded import lesson_in
from gradtui.session.run import Run
from gradtui.trace import Trace
from gradtui.trace import cursor as moves
from gradtui.trace.cursor import NOWHERE, Cursor
from gradtui.tui.arrangement import output_columns
from gradtui.tui.feed import Feed
from gradtui.tui.inspecting import Inspecting
from gradtui.tui.keys import KEYS
from gradtui.tui.picker import PickerScreen
from gradtui.tui.reading import Reading
from gradtui.tui.rerunning import SPARE_AFTER, state_of
from gradtui.tui.screen import DebuggerScreen
from gradtui.tui.screens import HelpScreen
from gradtui.tui.theme import DARK_HEAT, THEMES, wished
from gradtui.tui.widgets.graph import GraphView
from gradtui.tui.widgets.pane import Pane
from gradtui.views.state import State

Start = Callable[[Program], Run]
"""Starts a program that was picked."""

UNHELD = 3
"""Breakpoints that never held, of which the end tells; the output has them all."""


class DebuggerApp(Inspecting):
    """One program, one recording, or a list of programs to open one after the other."""

    CSS = """
    Screen { background: $background; layers: base; }
    ModalScreen { background: $background 60%; }
    Screen * {
        scrollbar-background: $surface; scrollbar-background-hover: $surface;
        scrollbar-background-active: $surface; scrollbar-corner-color: $surface;
        scrollbar-color: $foreground 25%; scrollbar-color-hover: $foreground 45%;
        scrollbar-color-active: $foreground 45%;
    }
    Footer { height: 1; }
    ToastRack { margin-bottom: 2; }
    """
    TITLE = "gradtui"

    def __init__(
        self,
        state: State,
        run: Run | None = None,
        listed: Sequence[Program | BadInput] = (),
        start: Start | None = None,
    ) -> None:
        super().__init__(state, run)
        self._listed = listed
        self._start = start
        self._feed: Feed | None = None
        self._reading: Reading | None = None
        self._preparing: Timer | None = None
        self._ended: object = None
        """The session whose end has been spoken of."""

    @classmethod
    def over_run(cls, run: Run) -> DebuggerApp:
        """The screen over a started program."""
        return cls(state_of(run), run)

    @classmethod
    def over_recording(cls, trace: Trace, title: str, cut: bool = False) -> DebuggerApp:
        """The same screen over a recorded run. `cut`: it was ended on purpose where it ends."""
        name = os.path.basename(title)
        lesson, hints = lesson_in(trace)
        return cls(State(trace, name, recording=True, cut=cut, lesson=lesson, hints=hints))

    @classmethod
    def over_opening(cls, opening: Opening, title: str) -> DebuggerApp:
        """The screen over a recording of which the rest is read meanwhile."""
        app = cls.over_recording(opening.trace, title)
        if not opening.done:
            app.state = replace(app.state, opening=opening.share)
            app._reading = Reading(opening, app._read_on)
        return app

    @classmethod
    def over_lessons(cls, listed: Sequence[Program | BadInput], start: Start) -> DebuggerApp:
        """A list to pick from; `start` starts what was picked."""
        return cls(State(Trace(), ""), None, listed, start)

    # ---------------------------------------------------------------------- keys

    async def on_event(self, event: Event) -> None:
        """Keys act as they come. By way of the focused widget, as Textual has it, one that is typed fast may
        overtake the one before: what belongs to the prompt would act on the program."""
        if not isinstance(event, Key) or event.is_forwarded or self.screen is not self.screen_stack[0]:
            await super().on_event(event)
            return
        typed = self.prompt.typed
        if not (self.focused is typed and typed.take(event)) and not await self._check_bindings(event.key):
            await super().on_event(event)

    # ----------------------------------------------------------------- lifetime

    def get_default_screen(self) -> Screen[None]:
        """The debugger's screen."""
        return DebuggerScreen()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Colours of our own, which Textual's themes do not have."""
        return DARK_HEAT

    def on_mount(self) -> None:
        """Register the themes, then show what there is to show."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = wished()
        self.call_after_refresh(self._begin)
        if (
            not self.is_headless
        ):  # a recording's many objects stay: looking through them again makes keys wait
            self.call_after_refresh(gc.freeze)

    def _begin(self) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._leave)
        if not self.is_headless:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._hung_up)
        if self._listed:
            self._pick()
            return
        self.debugger.open_lesson(bool(self.state.lesson))
        if self.program is not None:
            self.listen()
            self.move_to(self.state.cursor, follow=True)
            self._tell_of_breakpoints(len(self.program.plan.breakpoints))
            return
        self._to_first_pass()
        if self._reading is not None:
            self._reading.start(asyncio.get_running_loop())

    def _tell_of_breakpoints(self, count: int) -> None:
        """Some may be those of an earlier run."""
        if count:
            self.say(f"{count} breakpoint{'' if count == 1 else 's'} set: B lists them.")

    def _to_first_pass(self) -> None:
        passes, awaits = self.state.trace.passes, self.awaits_end
        self.move_to(Cursor(passes[0].number, 0) if passes else NOWHERE)
        self.awaits_end = awaits  # that was not the person's move

    def _read_on(self) -> None:
        """More of the recording is there."""
        assert self._reading is not None
        opening = self._reading.opening
        self.state = replace(self.state, opening=None if opening.done else opening.share)
        if opening.done and self.awaits_end:
            self.awaits_end = False
            self.move_to(moves.edge(self.state.trace))
        elif self.state.cursor == NOWHERE or self.state.gone:
            self._to_first_pass()
        else:
            self.debugger.show(self.state)
        if opening.fault is not None:
            self.exit(return_code=2)

    def on_resize(self, event: Resize) -> None:
        """The program's terminal is as wide as the pane that shows it."""
        if self.program is not None:
            self.program.resize(output_columns(*event.size))

    async def action_quit(self) -> None:
        """Leave; the program is ended first. Back to the list, where the program came from one."""
        if self._listed and self.program is not None:
            self._close()
            self._pick()
        else:
            self._leave()

    def _leave(self) -> None:
        self._close()
        self.exit()

    def _hung_up(self) -> None:
        """The terminal is closed. Textual would wait for ever for what it cannot write to it any more."""
        try:
            self._close()
        finally:
            os._exit(128 + signal.SIGHUP)

    def _close(self) -> None:
        self.deafen()
        if self._reading is not None:
            self._reading.stop()
        if self._preparing is not None:
            self._preparing.stop()
            self._preparing = None
        if self.program is not None:
            self.program.close()
            self.program = None

    # --------------------------------------------------------------- the picker

    def _pick(self) -> None:
        self.push_screen(PickerScreen(self._listed, self.state.title), self._picked)

    def _picked(self, program: Program | None) -> None:
        if program is None or self._start is None:
            self._leave()
            return
        run = self.program = self._start(program)
        self.state = state_of(run)
        self.following, self.stepping, self.owed = True, False, []
        self.debugger.passes.earlier, self.leaf_before = (), None
        self.debugger.open_lesson(bool(self.state.lesson))
        self.debugger.graph.focus()
        self.listen()
        self.debugger.show(self.state)

    # --------------------------------------------------------------- the stream

    def listen(self) -> None:
        """Hear what the program sends."""
        assert self.program is not None
        self.program.resize(output_columns(*self.size))
        self._feed = Feed(self.program, lambda: self.call_next(self._received))
        self._feed.start(asyncio.get_running_loop())

    def deafen(self) -> None:
        """Hear it no more."""
        if self._feed is not None:
            self._feed.stop()
            self._feed = None

    def _received(self) -> None:
        """Something arrived and is folded: follow it, or stay where the person looks."""
        program = self.program
        if program is None:  # it was closed meanwhile
            return
        stop = program.session.stopped
        if len(program.trace.stops) == 1 and self.state.stopped is None:
            self._preparing = self.set_timer(SPARE_AFTER, program.prepare)
        self.state = replace(self.state, trace=program.trace, stopped=stop, reading=program.session.reading)
        if stop is not None and self.owed and self.following:
            until, node = self.owed.pop(0)
            if until != "step":  # it runs then, and what was typed behind it meant another stop
                self.owed.clear()
            self.go(until, node)
        at = Cursor(stop.number, stop.step) if stop is not None else moves.edge(program.trace)
        if self.following and (at != self.state.cursor or self.state.selected is None):
            self.move_to(at, follow=True)
        else:  # what the person has selected stays so
            self.debugger.show(self.state)
        if stop is not None:
            self.stands(stop)
        self.answered()
        if program.session.exited is not None and self._ended is not program.session:
            self._ended = program.session
            unheld = program.session.unheld()
            if unheld:
                self.say("\n".join(unheld[:UNHELD]), "warning", 8)

    # -------------------------------------------------------------------- panes

    def on_graph_view_selected(self, event: GraphView.Selected) -> None:
        """The person chose a row of the graph."""
        self.selected(event.node, event.path)

    def on_pane_pointed(self, event: Pane.Pointed) -> None:
        """The person clicked on something that leads somewhere."""
        if event.target.step is not None:
            self.move_to(Cursor(event.target.number, event.target.step))
        if event.target.node is not None:
            self.select(event.target.node)

    def action_pane(self, name: str) -> None:
        """Bring a pane forward."""
        self.debugger.open_pane(name)

    def action_findings(self) -> None:
        """Findings, or back."""
        self.debugger.toggle_findings()

    def action_maximize_pane(self) -> None:
        """One pane over the whole screen, and back."""
        self.debugger.toggle_maximized()

    def action_all_panes(self) -> None:
        """Back from one pane alone."""
        self.debugger.show_all_panes()

    def action_next_theme(self) -> None:
        """Dark, light, for colour-blind people."""
        names = [theme.name for theme in THEMES]
        at = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(at + 1) % len(names)]

    def action_help(self) -> None:
        """All keys."""
        self.push_screen(HelpScreen())

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every key's action, by its name, beside Textual's own."""
        yield from super().get_system_commands(screen)
        for key in KEYS:
            action = key.action
            yield SystemCommand(key.description, f"key {key.key_display or key.key}", self._runner(action))

    def _runner(self, action: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            await self.run_action(action)

        return run
