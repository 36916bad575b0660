"""The line at the bottom in which a step, a search, a number or a line of input is typed."""

from __future__ import annotations

from collections.abc import Callable

from textual.binding import Binding
from textual.widgets import Input

Answer = Callable[["str"], None]
LineAnswer = Callable[["str | None"], None]


class Prompt(Input):
    """Hidden until asked; Enter answers, Escape gives up.

    Asked for a *line*, it takes what is typed as it is, also nothing, stays open for the next, and
    Ctrl+D answers None: the end.
    """

    DEFAULT_CSS = """
    Prompt { height: 1; border: none; padding: 0 1; background: $panel; display: none; }
    Prompt:focus { border: none; }
    """
    BINDINGS = [
        Binding("escape", "give_up", "Close", show=False),
        Binding("ctrl+d", "finish", "End of file", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="prompt", select_on_focus=False, compact=True)
        self.last_search = ""
        """What was searched for last."""
        self._answer: LineAnswer | None = None
        self._line = False

    def ask(self, question: str, answer: LineAnswer | Answer, text: str = "", line: bool = False) -> None:
        """Open with a placeholder; `answer` gets what is typed."""
        self._answer = answer  # type: ignore[assignment]
        self._line = line
        self.placeholder = question
        self.value = text
        self.display = True
        self.focus()
        self.action_select_all()  # typing replaces what was there

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer; close unless more lines may come."""
        event.stop()
        answer = self._answer
        if self._line:
            self.value = ""
            if answer is not None:
                answer(event.value)
            return
        self._close()
        if answer is not None and event.value.strip():
            answer(event.value.strip())

    def action_finish(self) -> None:
        """The end of the lines."""
        answer, line = self._answer, self._line
        self._close()
        if line and answer is not None:
            answer(None)

    def action_give_up(self) -> None:
        """Close without an answer."""
        self._close()

    def _close(self) -> None:
        self._answer, self._line = None, False
        self.display = False
        self.screen.query_one("#graph").focus()
