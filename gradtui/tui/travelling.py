"""Moving: through the steps, the stops and the passes, from node to node, from finding to finding."""

from __future__ import annotations

from gradtui.trace import cursor as moves
from gradtui.trace import query
from gradtui.trace.cursor import Cursor
from gradtui.tui.core import Core
from gradtui.views import gone


class Travelling(Core):
    """Actions that move the cursor or the selection. Going back never touches the program."""

    def action_step_forward(self) -> None:
        """One step on: in the trace, or in the program at the live edge; pauses one that is followed."""
        following = moves.forward(self.state.trace, self.state.cursor)
        if following is not None and not self._followed:
            self.move_to(following)
        else:
            self.go("step")

    @property
    def _followed(self) -> bool:
        """Is a program followed that runs or steps? What has come last may not be shown yet."""
        program = self.program
        if program is None or program.session.exited is not None:
            return False
        return self.following and (self.stepping or not program.stopped)

    def action_step_back(self) -> None:
        """One step back; the program is not touched."""
        self._back_to(moves.back(self.state.trace, self.state.cursor))

    def action_continue(self) -> None:
        """To the next stop; at the live edge let the program run."""
        at, edge = self.state.cursor, moves.edge(self.state.trace)
        following = moves.next_stop(self.state.trace, at)
        if self.state.opening is not None and following == edge:
            self.to_end_once_read()
        elif at != edge and not self._followed:
            self.move_to(following)
        else:
            self.go("end")

    def to_end_once_read(self) -> None:
        """A recording is still read: its end is gone to as soon as it is there."""
        self.awaits_end = True
        self.say("The recording is still read: this goes to its end when all is there.")

    def action_previous_stop(self) -> None:
        """Back to the last stop."""
        at = moves.previous_stop(self.state.trace, self.state.cursor)
        none = gone.before(self.state) or "There is no stop before this."
        self.or_say(at if at != self.state.cursor else None, none)

    def action_next_pass(self) -> None:
        """To the next pass; at the last one let the program run to it."""
        following = moves.next_pass(self.state.trace, self.state.cursor)
        if following is not None and not self._followed:
            self.move_to(following)
        else:
            self.go("pass")

    def action_previous_pass(self) -> None:
        """To the start of this pass, or of the one before."""
        self._back_to(moves.previous_pass(self.state.trace, self.state.cursor))

    def action_next_finding(self) -> None:
        """To the next finding."""
        trace, here = self.state.trace, self.state.cursor
        at = moves.next_finding(trace, here)
        none = "No findings." if trace.exited is not None else "No findings so far."
        self.or_say(at, "No finding but this." if trace.findings else none)
        if at is not None and len(trace.findings) > 1 and moves.place(trace, at) < moves.place(trace, here):
            self.say("The first finding.")

    def action_previous_finding(self) -> None:
        """To the finding before."""
        at = moves.previous_finding(self.state.trace, self.state.cursor)
        self.or_say(at, "No finding before this.")

    def action_to_selected(self) -> None:
        """To the step at which the selected node ran; among the findings, to the next one."""
        if self.focused is not None and self.focused.id == "findings":
            self.action_next_finding()
            return
        shown, node = self.state.shown_pass, self.state.selected
        runs = shown.runs.get(node) if shown is not None and node is not None else None
        at = Cursor(shown.number, runs[0]) if shown is not None and runs else None
        self.or_say(at, "This node has not run yet.")

    def action_who_sent(self) -> None:
        """Select the node that sent to the selected one; the steps follow."""
        shown, node = self.state.shown_pass, self.state.selected
        if shown is None or node is None:
            return
        senders = query.who_sent(shown, node) or shown.users.get(node, [])
        if senders:
            self.select(senders[0])
        else:
            self.say("Nobody: the pass starts here.")

    def action_turn_graph(self) -> None:
        """The graph by data flow, by module, by execution order."""
        self.debugger.turn_graph()

    def _back_to(self, at: Cursor | None) -> None:
        """Go back there, and say it where passes between were let go; or say why it goes no further."""
        told, number = gone.before(self.state), self.state.cursor.number
        self.or_say(at, gone.beginning(self.state))
        if at is not None and told is not None and at.number < number - 1:
            self.say(told, timeout=6)

    def or_say(self, at: Cursor | None, otherwise: str) -> None:
        """Go there, or say why not."""
        if at is None:
            self.say(otherwise)
        else:
            self.move_to(at)
