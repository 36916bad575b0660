"""What is typed at the prompt or taken away as text: a step, a search, a copy."""

from __future__ import annotations

from gradtui.trace import cursor as moves
from gradtui.trace import query
from gradtui.tui.travelling import Travelling
from gradtui.views import ledger, status, step
from gradtui.views.rows import text_of

COPIED = 100
"""Columns of a step that is copied."""


class Asking(Travelling):
    """Actions that ask."""

    def action_ask_step(self) -> None:
        """Type a step to go to."""
        self.prompt.ask(
            "go to step:", self._go_to, example="7, or 2:7 for step 7 of pass 2, or 2:end, or end"
        )

    def _go_to(self, text: str) -> bool:
        if self.state.opening is not None and text.strip() == "end":
            self.to_end_once_read()
            return True
        try:
            self.move_to(moves.parse(self.state.trace, text, self.state.cursor))
        except ValueError as error:
            more = "" if self.state.opening is None else ": more of the recording is being read"
            self.say(f"{error}{more}", severity="warning")
            return False
        return True

    def action_ask_search(self) -> None:
        """Type what to look for."""
        example = "a name or op; nonfinite, zero, overwrote, norm>10"
        self.prompt.ask("find:", self._search, self.prompt.last_search, example)

    def _search(self, text: str) -> bool:
        """A test goes to the next step that passes it; other text selects the next node that has it."""
        self.prompt.last_search = text
        test = query.parse_test(text)
        shown = self.state.shown_pass
        if test is not None:
            at = query.first_step_where(self.state.trace, test, self.state.cursor)
            self.or_say(at, f"No step after this one: {text}.")
        elif shown is not None:
            found = query.in_order(shown, query.matching(self.state.trace, shown, text))
            if found:
                place = query.next_of(shown, found, self.state.selected, self.state.cursor.step)
                self.debugger.open_pane("graph")
                self.select(found[place])
                if len(found) > 1:
                    self.say(f"{place + 1} of {len(found):,}. / and enter: the next one.")
            else:
                self.say(f"Nothing in this graph is called '{text}'.")
        return True

    def action_copy_step(self) -> None:
        """The current step and the ledger of the selected node, as text on the clipboard."""
        state = self.state
        rows = [status.where(state), *step.rows_of(state, COPIED), step.following(state)]
        if state.selected is not None:
            rows += [(), *ledger.rows_of(state, COPIED)]
        self.copy_to_clipboard(text_of(rows).strip() + "\n")
        self.say("The step is on the clipboard, as far as the terminal passes it on (OSC 52).")
