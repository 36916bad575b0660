"""Stopping: breakpoints, running over and out of modules, to the selected node, and pausing."""

from __future__ import annotations

from gradtui.session.errors import BadInput
from gradtui.trace import cursor as moves
from gradtui.trace import stops
from gradtui.tui.asking import Asking
from gradtui.tui.breakpoint_screen import BreakpointScreen
from gradtui.views import leaving
from gradtui.wire.messages import Node, Stopped, Until


class Breaking(Asking):
    """Actions that say where the program shall stop."""

    _going = ""
    """Where the program was sent to, in words, until it stands."""
    _wanted: int | None = None
    """The node that it was sent to."""

    # ----------------------------------------------------------- breakpoints

    def action_ask_break(self) -> None:
        """Type where to stop; the selected node makes a proposal."""
        if self.program is None:
            self.prompt.refuse("A recording does not run: / searches it.")
            return
        node = self.state.selected_node
        proposal = "" if node is None or not self.state.cursor.step else _proposal(node)
        example = "nonfinite; module=fc1 norm>10; train.py:12; pass=3"
        self.prompt.ask("break where:", self._break, proposal, example)

    def _break(self, text: str) -> bool:
        assert self.program is not None
        try:
            point = self.program.breakpoints.add(text)
        except BadInput as error:
            self.say(str(error), severity="warning", timeout=8)
            return False
        self.say(f"Breakpoint {point.id}: {point.text}. c runs to it, B lists all.")
        return True

    def action_breakpoints(self) -> None:
        """All breakpoints: enable, disable, remove."""
        if self.program is None:
            self.say("A recording has no breakpoints.")
        elif not self.program.breakpoints.points:
            self.say("No breakpoints. b sets one.")
        else:
            self.push_screen(BreakpointScreen(self.program.breakpoints, self.state.trace.hits))

    # ----------------------------------------------------------------- going

    def action_over(self) -> None:
        """Past the module of the next node."""
        self._go_past("over")

    def action_out(self) -> None:
        """Past the module around that of the next node."""
        self._go_past("out")

    def _go_past(self, until: Until) -> None:
        at, words = self.state.cursor, leaving.forwards(self.state, until == "out")
        beyond = stops.leave(self.state.trace, at, until == "out")
        if beyond is not None:
            self._move(words, beyond)
            return
        self.move_to(moves.edge(self.state.trace))  # it lies inside the module: the program goes on from it
        self._going = words
        self.go(until)

    def action_back_over(self) -> None:
        """Back to before the module of the last node."""
        self._leave_backwards(False)

    def action_back_out(self) -> None:
        """Back to before the module around it."""
        self._leave_backwards(True)

    def _leave_backwards(self, out: bool) -> None:
        words = leaving.backwards(self.state, out)
        at = stops.leave_backwards(self.state.trace, self.state.cursor, out)
        if at is None:
            self.say("This is the start of the pass.")
        else:
            self._move(words, at)

    def action_here(self) -> None:
        """To the selected node: in the trace where it has run, else the program runs until it comes."""
        shown, node = self.state.shown_pass, self.state.selected
        if shown is None or node is None:
            return
        runs = shown.runs.get(node)
        if runs:
            self._move(leaving.up_to(self.state, node), moves.Cursor(shown.number, runs[0] - 1))
            self.select(node)
        elif shown.ended is not None:
            self.say("The engine did not run this node in this pass.")
        else:
            self._going, self._wanted = leaving.up_to(self.state, node), node
            self.go("node", node)

    def _move(self, words: str, at: moves.Cursor) -> None:
        """Go there, and say where that is: a step far away looks much like this one."""
        self.move_to(at)
        self.say(leaving.arrived(words, at))

    def stands(self, stop: Stopped) -> None:
        """The program stands: where it was sent to, or where something else stopped it."""
        if self._going and stop.reason in ("there", "pass end"):
            words = self._going if stop.reason == "there" else "The end of the pass"
            self.say(leaving.arrived(words, moves.Cursor(stop.number, stop.step)))
        if self._wanted is not None and self._wanted == stop.next:
            self.select(self._wanted)
        self._going, self._wanted = "", None

    def action_pause(self) -> None:
        """Stop the running program before its next node."""
        program = self.program
        if program is None or program.session.exited is not None or program.stopped:
            self.say("Nothing is running. q leaves.")
        else:
            self.following = True
            program.pause()
            self.say("Pausing: the program stops before its next node.")


def _proposal(node: Node) -> str:
    """What a breakpoint at a node would be written as."""
    if node.named and node.name:
        return f"name={node.name}"
    return f"module={node.module}" if node.module else f"op={node.op}"
