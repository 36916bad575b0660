"""The line at the bottom in which a step, a search or a knob is typed."""

from __future__ import annotations

from collections.abc import Callable

from textual.binding import Binding
from textual.widgets import Input

Answer = Callable[[str], None]


class Prompt(Input):
    """Hidden until asked; Enter answers, Escape gives up."""

    DEFAULT_CSS = """
    Prompt { height: 1; border: none; padding: 0 1; background: $panel; display: none; }
    Prompt:focus { border: none; }
    """
    BINDINGS = [Binding("escape", "give_up", "Close", show=False)]

    def __init__(self) -> None:
        super().__init__(id="prompt", select_on_focus=False, compact=True)
        self._answer: Answer | None = None

    def ask(self, question: str, answer: Answer, text: str = "") -> None:
        """Open with a placeholder; `answer` gets what is typed."""
        self._answer = answer
        self.placeholder = question
        self.value = text
        self.display = True
        self.focus()
        self.action_select_all()  # typing replaces what was there

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close and answer."""
        event.stop()
        answer, self._answer = self._answer, None
        self._close()
        if answer is not None and event.value.strip():
            answer(event.value.strip())

    def action_give_up(self) -> None:
        """Close without an answer."""
        self._answer = None
        self._close()

    def _close(self) -> None:
        self.display = False
        self.screen.query_one("#graph").focus()
