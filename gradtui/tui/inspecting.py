"""Looking into the program where it stands, and having it go on with something else."""

from __future__ import annotations

from gradtui.session.errors import BadInput
from gradtui.session.whatif import is_what_if
from gradtui.tui.inspect_screen import InspectScreen
from gradtui.tui.rerunning import Rerunning
from gradtui.views.choices import standing
from gradtui.views.watch import seen_at
from gradtui.wire.messages import Refused, Stopped

EXAMPLE = "g.clamp(-1, 1)   0*g   received[1] = g/2   leaf = 0.5*leaf"


class Inspecting(Rerunning):
    """Actions on the tensors of a program that stands."""

    _refusal: Refused | None = None
    _asked: str = ""
    """What was typed at the prompt for something else to go on with, until it is answered."""
    _asked_at: tuple[Stopped | None, int] = (None, 0)
    """The stop at which it was, and how many such answers its pass had had."""

    # --------------------------------------------------------------- looking

    def action_inspect(self) -> None:
        """The tensors of the selected node."""
        node, program = self.state.selected_node, self.program
        if node is None:
            self.say("There is no node to look into yet.")
            return
        live = program is not None and standing(self.state)
        self.push_screen(InspectScreen(self.state, node, program.inspect if program and live else None))

    def answered(self) -> None:
        """Something came from the program: an answer, a refusal?"""
        trace = self.state.trace
        screen = self.screen
        if isinstance(screen, InspectScreen):
            screen.answered(trace.inspected, standing(self.state))
        if self._asked and self._answers() != self._asked_at:
            self._asked = ""  # it is done, or the program has gone on
        if trace.refused is not None and trace.refused is not self._refusal:
            self._refusal = trace.refused
            self.say(trace.refused.message, severity="warning", timeout=8)
            if self._asked and standing(self.state):
                self._ask_what_if(self._asked)
                self._asked = ""

    def _answers(self) -> tuple[Stopped | None, int]:
        stop = self.state.stopped
        shown = self.state.trace.pass_numbered(stop.number) if stop is not None else None
        return stop, 0 if shown is None else len(shown.replaced) + len(shown.changed)

    # -------------------------------------------------------------- watching

    def action_watch(self) -> None:
        """Type an expression to be evaluated at every stop; the same again watches it no more."""
        if self.program is None:
            self.prompt.refuse("A recording evaluates nothing: what was watched is shown.")
            return
        enter = "enter adds it, or takes it away"
        last = seen_at(self.state)
        example = "g.norm()   model.fc.weight.grad   loss" if not last else last[-1].expression
        self.prompt.ask("watch:", self._watch, "", example, enter)

    def _watch(self, text: str) -> bool:
        assert self.program is not None
        watched = self.program.plan.watches
        gone = tuple([other for other in watched if other != text])
        self.program.watch(gone if text in watched else (*watched, text))
        if self.program.session.exited is not None:
            self.say("The program has ended: r runs it again, and it is evaluated at its stops.", timeout=6)
        elif not self.program.stopped:
            self.say("It is evaluated at the next stop.")
        return True

    # --------------------------------------------------------------- what if

    def action_what_if(self) -> None:
        """Type what the next node shall run with, or the value that the selected leaf shall have."""
        stop, node = self.state.stopped, self.state.selected_node
        if self.program is None:
            self.prompt.refuse("A recording cannot go on otherwise.")
        elif stop is None or not standing(self.state):
            self.prompt.refuse("A gradient is replaced where the program stands: g, then end, goes there.")
        elif node is not None and node.leaf and node.id != stop.next:
            self._ask_what_if("leaf = ")
        elif stop.next is None:
            self.prompt.refuse("No node is about to run: step to one, or select a leaf to change it.")
        else:
            self._ask_what_if("g = ")

    def _ask_what_if(self, text: str) -> None:
        node, stop = self.state.selected_node, self.state.stopped
        about = "what if:"
        if text.startswith("leaf") and node is not None:
            about = f"{node.name or 'the leaf'} after this pass:"
        elif stop is not None and len(stop.received) > 1:
            about = f"what if (received[0] to [{len(stop.received) - 1}]):"
        self.prompt.ask(about, self._what_if, text, EXAMPLE, "enter")
        self.prompt.typed.action_end()

    def _what_if(self, text: str) -> bool:
        assert self.program is not None
        node = self.state.selected_node
        text = text if is_what_if(text) else f"g = {text}"
        try:
            self.program.what_if(text, node.id if node is not None and node.leaf else None)
        except BadInput as error:
            self.say(str(error), severity="warning", timeout=8)
            return False
        self._asked, self._asked_at = text, self._answers()
        return True
