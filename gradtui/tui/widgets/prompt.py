"""The line at the bottom in which a step, a search, a number or a line of input is typed."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.events import Key, Paste
from textual.widgets import Input

from gradtui.tui.widgets.line import Line
from gradtui.views.rows import Role, Span

NO_TEXT = "(?!)"
"""A pattern that no text has."""
PAUSE = 0.8
"""Seconds without a key after which the next one is not typed on."""
Answer = Callable[[str], bool]
"""Takes what was typed; False where it will not do: then it stays, to be mended."""


class Typed(Input):
    """The text itself. Ctrl+D is an end of file here, as in a terminal; pasted lines are as good as typed.

    The app hands each key over as it comes (`take`): by a message of its own it could be overtaken.
    """

    DEFAULT_CSS = """
    Typed { height: 1; width: 1fr; border: none; padding: 0; background: $panel; }
    Typed:focus { border: none; }
    """
    BINDINGS = [Binding("ctrl+d", "finish", "End of file", show=False)]

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """A slash too is typed: the footer need not offer it."""
        return key == "slash" or super().check_consume_key(key, character)

    def take(self, key: Key) -> bool:
        """Is it typed here, or Enter? Else it may be one of the keys by which a line is edited."""
        prompt = self.parent
        assert isinstance(prompt, Prompt)
        if key.key == "enter":
            prompt.submit()
            return True
        if not key.is_printable or key.character is None:
            return False
        if prompt.is_over(key.time):
            return False
        self.replace(key.character, *self.selection)
        return True

    async def on_paste(self, event: Paste) -> None:
        """Lines of input may be several."""
        prompt = self.parent
        assert isinstance(prompt, Prompt)
        if prompt.take(event.text):
            event.prevent_default()
            event.stop()

    def restricted(self) -> None:
        """The label has said why nothing can be typed: no bell for each key."""

    def action_finish(self) -> None:
        """The prompt knows what ends."""
        assert isinstance(self.parent, Prompt)
        self.parent.finish()


class Prompt(Horizontal):
    """Hidden until asked: what is asked for, the text, and what Enter does. Escape gives up."""

    DEFAULT_CSS = """
    Prompt { height: 1; background: $panel; display: none; }
    Prompt Line { width: auto; }
    """
    BINDINGS = [Binding("escape", "give_up", "Close")]

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self.last_search = ""
        """What was searched for last."""
        self._answer: Answer | None = None
        self._ended: Callable[[], None] | None = None
        self._swallows_until: float | None = None
        """Where nothing can be typed: what comes before then was still meant for it."""

    def compose(self) -> ComposeResult:
        """A label, the text, a remark."""
        yield Line("asked")
        yield Typed(select_on_focus=False, compact=True)
        yield Line("keys")

    @property
    def typed(self) -> Typed:
        """Where it is typed."""
        return self.query_one(Typed)

    @property
    def value(self) -> str:
        """What is typed so far."""
        return self.typed.value

    def ask(
        self,
        label: str,
        answer: Answer,
        text: str = "",
        example: str = "",
        enter: str = "",
        ended: Callable[[], None] | None = None,
    ) -> None:
        """Open with a label; `answer` gets what is typed.

        `example` stands in an empty line. `enter` says what Enter does. `ended`: asked for a line of input,
        which may be empty, and called for Ctrl+D, the end of the file.
        """
        self._answer, self._ended, self._swallows_until = answer, ended, None
        self._tell("#asked", f" {label} ", "now")
        keys = " · ".join(
            part for part in (enter, "ctrl+d ends the input" if ended else "", "esc closes") if part
        )
        self._tell("#keys", f" {keys} ", "dim")
        self.query_one("#keys").display = cell_len(keys + label) + 24 <= self.app.size.width
        self.typed.password, self.typed.restrict = False, None
        self.typed.placeholder = example
        self.typed.value = text
        self.display = True
        self.screen.set_focus(self.typed)
        self.typed.action_select_all()  # typing replaces what was there

    def refuse(self, why: str) -> None:
        """Open with the reason why nothing can be typed: what is typed all the same must not act as keys.

        What comes after a pause is a key again.
        """
        self.ask(why, lambda _: True)
        self._swallows_until = monotonic() + PAUSE
        self.typed.restrict = NO_TEXT
        self._tell("#asked", f" {why}", "warn")

    def is_over(self, pressed: float) -> bool:
        """Was nothing asked for, and a pause made before a key was pressed (at that time of `monotonic`,
        however late it comes here)? Then this closes, and the key is the screen's."""
        if self._swallows_until is None:
            return False
        if pressed > self._swallows_until:
            self._close()
            return True
        self._swallows_until = pressed + PAUSE
        return False

    def _tell(self, name: str, text: str, role: Role) -> None:
        line = self.query_one(name, Line)
        line.styles.width = cell_len(text)
        line.show((Span(text, role),))

    def submit(self) -> None:
        """Answer, and close where the answer will do."""
        text = self.value if self._ended is not None else self.value.strip()
        if self._answer is None or (not text and self._ended is None) or self._answer(text):
            self._close()

    def take(self, text: str) -> bool:
        """Take what is pasted, where lines of input are asked for: whole lines go, the last one stays to be
        ended. False: it is no business of ours."""
        *lines, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if self._ended is None or self._answer is None or not lines:
            return False
        lines[0] = self.value + lines[0]
        self._answer("\n".join(lines))
        self.typed.value = rest
        self.typed.action_end()
        if not rest:
            self._close()
        return True

    def finish(self) -> None:
        """The end of the lines."""
        ended = self._ended
        self._close()
        if ended is not None:
            ended()

    def action_give_up(self) -> None:
        """Close without an answer."""
        self._close()

    def _close(self) -> None:
        self._answer = self._ended = self._swallows_until = None
        self.display = False
        self.screen.set_focus(self.screen.query_one("#graph"))
