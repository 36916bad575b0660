"""Moving: through the steps, the stops and the passes, from node to node, from finding to finding."""

from __future__ import annotations

from gradtui.trace import cursor as moves
from gradtui.trace import query
from gradtui.trace.cursor import Cursor
from gradtui.tui.core import Core


class Travelling(Core):
    """Actions that move the cursor or the selection. Going back never touches the program."""

    def action_step_forward(self) -> None:
        """One step on: in the trace, or in the program at the live edge."""
        following = moves.forward(self.state.trace, self.state.cursor)
        if following is not None:
            self.move_to(following)
        else:
            self.go("step")

    def action_step_back(self) -> None:
        """One step back; the program is not touched."""
        self.or_say(moves.back(self.state.trace, self.state.cursor), "This is the very beginning.")

    def action_continue(self) -> None:
        """To the next stop; at the live edge let the program run."""
        at = self.state.cursor
        if at != moves.edge(self.state.trace):
            self.move_to(moves.next_stop(self.state.trace, at))
        else:
            self.go("end")

    def action_previous_stop(self) -> None:
        """Back to the last stop."""
        at = moves.previous_stop(self.state.trace, self.state.cursor)
        self.or_say(at if at != self.state.cursor else None, "There is no stop before this.")

    def action_next_pass(self) -> None:
        """To the next pass; at the last one let the program run to it."""
        following = moves.next_pass(self.state.trace, self.state.cursor)
        if following is not None:
            self.move_to(following)
        else:
            self.go("pass")

    def action_previous_pass(self) -> None:
        """To the start of this pass, or of the one before."""
        at = moves.previous_pass(self.state.trace, self.state.cursor)
        self.or_say(at, "This is the very beginning.")

    def action_next_finding(self) -> None:
        """To the next finding."""
        at = moves.next_finding(self.state.trace, self.state.cursor)
        trace = self.state.trace
        none = "No findings." if trace.exited is not None else "No findings so far."
        self.or_say(at, "No finding after this." if trace.findings else none)

    def action_previous_finding(self) -> None:
        """To the finding before."""
        at = moves.previous_finding(self.state.trace, self.state.cursor)
        self.or_say(at, "No finding before this.")

    def action_to_selected(self) -> None:
        """To the step at which the selected node ran."""
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

    def or_say(self, at: Cursor | None, otherwise: str) -> None:
        """Go there, or say why not."""
        if at is None:
            self.say(otherwise)
        else:
            self.move_to(at)
