"""The app: holds the run and the state, turns keys into moves and commands. The screen shows the state."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.notifications import SeverityLevel
from textual.screen import Screen

from gradtui.session.errors import BadInput
from gradtui.session.run import Run
from gradtui.session.session import Until
from gradtui.trace import Trace, query
from gradtui.trace import cursor as moves
from gradtui.trace.cursor import NOWHERE, Cursor
from gradtui.tui.feed import Feed
from gradtui.tui.keys import KEYS
from gradtui.tui.screen import DebuggerScreen
from gradtui.tui.screens import HelpScreen, KnobScreen
from gradtui.tui.theme import DARK, THEMES
from gradtui.tui.widgets.graph import GraphView
from gradtui.tui.widgets.prompt import Prompt
from gradtui.views.state import State


def _knobs(run: Run | None) -> str:
    return "" if run is None else "  ".join(f"{name}={value}" for name, value in run.plan.knobs.items())


class DebuggerApp(App[None]):
    """One program, or one recording, on the screen.

    Invariant: the trace is changed in the feed's slice of the event loop only, and the state is
    replaced, never changed; so every repaint sees one moment.
    """

    CSS_PATH = "debugger.tcss"
    TITLE = "gradtui"
    BINDINGS: ClassVar[list[BindingType]] = [*KEYS]

    def __init__(self, trace: Trace, title: str, run: Run | None = None) -> None:
        super().__init__()
        self.program = run
        self.state = State(trace, title, recording=run is None, knobs=_knobs(run))
        self._following = True
        self._stepping = False  # is the program on its way to the next node?
        self._steps_owed = 0  # steps asked for faster than the program takes them
        self._feed: Feed | None = None
        self._searched = ""

    @classmethod
    def over_run(cls, run: Run) -> DebuggerApp:
        """The screen over a started program."""
        return cls(run.trace, run.plan.path.name, run)

    @classmethod
    def over_recording(cls, trace: Trace, title: str) -> DebuggerApp:
        """The same screen over a recorded run."""
        return cls(trace, os.path.basename(title))

    # ----------------------------------------------------------------- lifetime

    def get_default_screen(self) -> Screen[None]:
        """The debugger's screen."""
        return DebuggerScreen()

    def on_mount(self) -> None:
        """Register the themes, then show a recording's start or listen to the program."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK.name
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        for number in (signal.SIGTERM, signal.SIGHUP):  # the terminal is closed, or somebody ends us
            asyncio.get_running_loop().add_signal_handler(number, self._leave)
        if self.program is not None:
            self._listen()
            self.move_to(self.state.cursor, follow=True)
            return
        passes = self.state.trace.passes
        self.move_to(Cursor(passes[0].number, 0) if passes else NOWHERE)

    def _listen(self) -> None:
        assert self.program is not None
        self._feed = Feed(self.program, lambda: self.call_next(self._received))
        self._feed.start(asyncio.get_running_loop())

    def _deafen(self) -> None:
        if self._feed is not None:
            self._feed.stop()
            self._feed = None

    async def action_quit(self) -> None:
        """Leave; the program is ended first."""
        self._leave()

    def _leave(self) -> None:
        self._deafen()
        if self.program is not None:
            self.program.close()
        self.exit()

    @property
    def debugger(self) -> DebuggerScreen:
        """The screen at the bottom of the stack."""
        screen = self.screen_stack[0]
        assert isinstance(screen, DebuggerScreen)
        return screen

    # --------------------------------------------------------------- the stream

    def _received(self) -> None:
        """Something arrived and is folded: follow it, or stay where the person looks."""
        program = self.program
        assert program is not None
        stop = program.session.stopped
        self.state = replace(self.state, trace=program.trace, stopped=stop)
        if stop is not None and self._steps_owed and self._following:
            self._steps_owed -= 1
            self._go("step")
        if self._following:
            at = Cursor(stop.number, stop.step) if stop is not None else moves.edge(program.trace)
            self.move_to(at, follow=True)
        else:
            self.debugger.show(self.state)

    def _go(self, until: Until) -> None:
        program = self.program
        if program is None:
            self._say("This is the end of the recording.")
        elif program.session.exited is not None:
            self._say("The program has ended. N goes back, r runs it again.")
        elif program.stopped:
            self._following, self._stepping = True, until == "step"
            program.go(until)
            self.state = replace(self.state, stopped=None)
        elif until == "step" and self._stepping and self._following:
            self._steps_owed += 1
        else:
            self._following = True
            self._say("The program is running; the screen follows it.")

    # ------------------------------------------------------------------- moving

    def move_to(self, at: Cursor | None, follow: bool = False) -> None:
        """Put the cursor there and select the node of that step. None stays."""
        if at is None:
            return
        self._following = follow or at == moves.edge(self.state.trace)
        if not self._following:
            self._steps_owed = 0
        self.state = replace(self.state, cursor=at)
        shown, step = self.state.shown_pass, self.state.step
        node = None
        if shown is not None:
            node = step.node.id if step is not None else self.state.next_node or shown.root.id
        self.select(node)

    def select(self, node: int | None) -> None:
        """Select a node at its own row of the graph; ledger, torch and source follow."""
        graph = self.debugger.graph
        graph.show(self.state)
        path = graph.select_node(node) if node is not None else ()
        self.state = replace(self.state, selected=node, path=path)
        self.debugger.show(self.state)

    def on_graph_view_selected(self, event: GraphView.Selected) -> None:
        """The person chose a row of the graph."""
        self.state = replace(self.state, selected=event.node, path=event.path)
        self.debugger.show(self.state)

    def action_step_forward(self) -> None:
        """One step on: in the trace, or in the program at the live edge."""
        following = moves.forward(self.state.trace, self.state.cursor)
        if following is not None:
            self.move_to(following)
        else:
            self._go("step")

    def action_step_back(self) -> None:
        """One step back; the program is not touched."""
        self._or_say(moves.back(self.state.trace, self.state.cursor), "This is the very beginning.")

    def action_continue(self) -> None:
        """To the next stop; at the live edge let the program run."""
        at = self.state.cursor
        if at != moves.edge(self.state.trace):
            self.move_to(moves.next_stop(self.state.trace, at))
        else:
            self._go("end")

    def action_previous_stop(self) -> None:
        """Back to the last stop."""
        at = moves.previous_stop(self.state.trace, self.state.cursor)
        self._or_say(at if at != self.state.cursor else None, "There is no stop before this.")

    def action_next_pass(self) -> None:
        """To the next pass; at the last one let the program run to it."""
        following = moves.next_pass(self.state.trace, self.state.cursor)
        if following is not None:
            self.move_to(following)
        else:
            self._go("pass")

    def action_previous_pass(self) -> None:
        """To the start of this pass, or of the one before."""
        at = moves.previous_pass(self.state.trace, self.state.cursor)
        self._or_say(at, "This is the very beginning.")

    def action_to_selected(self) -> None:
        """To the step at which the selected node ran."""
        shown, node = self.state.shown_pass, self.state.selected
        runs = shown.runs.get(node) if shown is not None and node is not None else None
        at = Cursor(shown.number, runs[0]) if shown is not None and runs else None
        self._or_say(at, "This node has not run yet.")

    def action_who_sent(self) -> None:
        """Select the node that sent to the selected one; the steps follow."""
        shown, node = self.state.shown_pass, self.state.selected
        if shown is None or node is None:
            return
        senders = query.who_sent(shown, node) or shown.users.get(node, [])
        if senders:
            self.select(senders[0])
        else:
            self._say("Nobody: the pass starts here.")

    def _or_say(self, at: Cursor | None, otherwise: str) -> None:
        if at is None:
            self._say(otherwise)
        else:
            self.move_to(at)

    # ------------------------------------------------------------------- asking

    def action_ask_step(self) -> None:
        """Type a step to go to."""
        self.debugger.query_one(Prompt).ask("go to step: 7, 2:7 (pass 2) or end", self._go_to)

    def _go_to(self, text: str) -> None:
        try:
            self.move_to(moves.parse(self.state.trace, text, self.state.cursor))
        except ValueError as error:
            self._say(str(error), severity="warning")

    def action_ask_search(self) -> None:
        """Type what to look for."""
        question = "search: a name or op; nonfinite, zero, overwrote, norm>10"
        self.debugger.query_one(Prompt).ask(question, self._search, self._searched)

    def _search(self, text: str) -> None:
        """A test goes to the next step that passes it; other text selects the next node that has it."""
        self._searched = text
        test = query.parse_test(text)
        shown = self.state.shown_pass
        if test is not None:
            at = query.first_step_where(self.state.trace, test, self.state.cursor)
            self._or_say(at, f"No step after this one: {text}.")
        elif shown is not None:
            found = [node.id for node in query.matching(self.state.trace, shown, text)]
            later = found[found.index(self.state.selected) + 1 :] if self.state.selected in found else []
            if found:
                self.select((later or found)[0])
            else:
                self._say(f"Nothing in this graph is called '{text}'.")

    # ------------------------------------------------------------ running again

    def action_knobs(self) -> None:
        """Choose a knob; the program runs again with it."""
        program = self.program
        if program is None:
            self._say("A recording cannot run again.")
        elif not program.program.knobs:
            self._say("This program has no knobs. A program has one with gradtui.knob(...).")
        else:
            self.push_screen(KnobScreen(program.program.knobs, program.plan.knobs), self._knob_chosen)

    def _knob_chosen(self, answer: tuple[str, str | None] | None) -> None:
        if answer is None:
            return
        name, value = answer
        if value is None:
            self.debugger.query_one(Prompt).ask(
                f"a value for {name}", lambda text: self._run_again({name: text})
            )
        else:
            self._run_again({name: value})

    def action_restart(self) -> None:
        """Run the program again from the start, with the knobs as they are."""
        if self.program is None:
            self._say("A recording cannot run again.")
        else:
            self._run_again({})

    def _run_again(self, changed: dict[str, str]) -> None:
        program = self.program
        assert program is not None
        self._deafen()
        try:
            program.restart({**program.plan.knobs, **changed})
        except BadInput as error:
            self._say(str(error), severity="error", timeout=8)
            if program.session.exited is None:
                self._listen()
            return
        self.state = State(program.trace, self.state.title, knobs=_knobs(program))
        self._following, self._stepping, self._steps_owed = True, False, 0
        self._listen()
        self.debugger.show(self.state)

    def _say(self, text: str, severity: SeverityLevel = "information", timeout: float = 3) -> None:
        """One message at a time: the newest."""
        self.clear_notifications()
        self.notify(text, severity=severity, timeout=timeout)

    # -------------------------------------------------------------------- panes

    def action_pane(self, name: str) -> None:
        """Bring a pane forward."""
        self.debugger.open_pane(name)

    def action_findings(self) -> None:
        """Findings, or back."""
        self.debugger.toggle_findings()

    def action_maximize_pane(self) -> None:
        """One pane over the whole screen, and back."""
        self.debugger.toggle_maximized()

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
