"""What every part of the app stands on: the run, the state, and the few ways to change it."""

from __future__ import annotations

from dataclasses import replace

from textual.app import App
from textual.notifications import SeverityLevel

from gradtui.session.run import Run
from gradtui.trace import cursor as moves
from gradtui.trace.cursor import Cursor
from gradtui.tui.screen import DebuggerScreen
from gradtui.tui.widgets.prompt import Prompt
from gradtui.views.passes import tells
from gradtui.views.state import State
from gradtui.wire.messages import Node, Until


class Core(App[None]):
    """Holds the run and the state.

    Invariant: the trace is changed in the feed's slice of the event loop only, and the state is
    replaced, never changed; so every repaint sees one moment.
    """

    def __init__(self, state: State, run: Run | None) -> None:
        super().__init__()
        self.program = run
        """None over a recording, and while no program is chosen."""
        self.state = state
        self.following = True
        """Does the screen stay at the newest position?"""
        self.stepping = False
        """Is the program on its way to the next node?"""
        self.awaits_end = False
        """Go to the end of the recording when all of it is read?"""
        self.leaf_before: Node | None = None
        """The leaf that was chosen in the run before."""
        self.owed: list[tuple[Until, int]] = []
        """What was asked for faster than the program takes its steps."""

    @property
    def debugger(self) -> DebuggerScreen:
        """The screen at the bottom of the stack."""
        screen = self.screen_stack[0]
        assert isinstance(screen, DebuggerScreen)
        return screen

    @property
    def prompt(self) -> Prompt:
        """The line in which something is typed."""
        return self.debugger.query_one(Prompt)

    def go(self, until: Until, node: int = 0) -> None:
        """Let the program go on, or say why it does not."""
        program = self.program
        if program is None:
            reading = self.state.opening is not None
            self.say("This is as far as it is read." if reading else "This is the end of the recording.")
        elif program.session.exited is not None:
            self.say("The program has ended. N goes back, r runs it again.")
        elif program.stopped:
            self.following, self.stepping = True, until == "step"
            program.go(until, node)
            self.state = replace(self.state, stopped=None)
        elif self.stepping and self.following:
            self.owed.append((until, node))
        elif until == "step":
            self.following = True
            program.pause()
            self.say("Pausing: the program stops before its next node.")
        else:
            self.following = True
            self.say("The program is running; the screen follows it. n pauses it.")

    def move_to(self, at: Cursor | None, follow: bool = False) -> None:
        """Put the cursor there and select the node of that step. None stays."""
        if at is None:
            return
        self.following = follow or at == moves.edge(self.state.trace)
        if not self.following:
            self.owed.clear()
        self.awaits_end = False
        self.state = replace(self.state, cursor=at)
        self.select(self.state.node_here, reveal=False)

    def select(self, node: int | None, reveal: bool = True) -> None:
        """Select a node at its own row of the graph; ledger, torch and source follow.

        Not `reveal`: a module that is folded over it stays so.
        """
        graph = self.debugger.graph
        graph.show(self.state)
        path = graph.select_node(node, reveal) if node is not None else ()
        self.selected(node, path)

    def selected(self, node: int | None, path: tuple[int, ...]) -> None:
        """A row of the graph is selected: show what belongs to it."""
        self.state = replace(self.state, selected=node, path=path)
        chosen = self.state.selected_node
        if chosen is None or not tells(chosen):
            chosen = self._leaf_again()
        if chosen is not None:
            self.state = replace(self.state, leaf=chosen)
        self.debugger.show(self.state)

    def _leaf_again(self) -> Node | None:
        """The leaf that was chosen in the run before, once this run has it."""
        shown, before = self.state.shown_pass, self.leaf_before
        if self.state.leaf is not None or shown is None or before is None:
            return None
        again = shown.nodes.get(before.id)
        return again if again is not None and tells(again) and again.name == before.name else None

    def say(self, text: str, severity: SeverityLevel = "information", timeout: float = 3) -> None:
        """One message at a time: the newest."""
        self.clear_notifications()
        self.notify(text, severity=severity, timeout=timeout)
