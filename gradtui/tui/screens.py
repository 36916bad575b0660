"""What opens over the debugger: the keys, and what can be turned before the program runs again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from gradtui.tui.keys import MARKS, MEANINGS
from gradtui.tui.widgets.pane import Pane
from gradtui.views.rows import Row, row, wrapped


class HelpScreen(ModalScreen[None]):
    """All keys and marks."""

    BINDINGS = [Binding("escape,q,question_mark,enter", "dismiss", "Close")]
    CSS = """
    HelpScreen { align: center middle; }
    HelpScreen Pane { width: 100%; max-width: 100; max-height: 96%; border: round $primary; }
    """

    def compose(self) -> ComposeResult:
        """One pane of rows."""
        yield Pane("help", "keys  (esc closes)")

    def on_mount(self) -> None:
        """Fill it."""
        pane = self.query_one(Pane)
        width = min(96, max(40, self.app.size.width - 8))
        rows: list[Row] = []
        for keys, meaning in MEANINGS:
            rows += wrapped(row((f"{keys:12}", "now"), meaning), width, " " * 12)
        rows += [(), row(("marks in the graph", "dim"))]
        rows += [row((f"{mark:12}", "now"), meaning) for mark, meaning in MARKS]
        pane.styles.height = len(rows) + 2
        pane.show(rows)
        if len(rows) + 2 > round(self.app.size.height * 0.96):
            pane.border_subtitle = "↓ there is more"
        pane.focus()


@dataclass(frozen=True)
class Choice:
    """One value that a knob or an input can be given."""

    knob: bool
    name: str
    value: str | None
    """None where it must be typed."""
    current: str
    """What it is now."""

    @property
    def text(self) -> str:
        """`● repaired = on`, `○ x1 = 2.0   (type another)`."""
        if self.value is None:
            return f"✎ {self.name} = {self.current}   (type another)"
        return f"{'●' if self.value == self.current else '○'} {self.name} = {self.value}"


class ChoiceScreen(ModalScreen["Choice | None"]):
    """Choose one of several."""

    BINDINGS = [Binding("escape,q,k,e", "dismiss", "Close")]
    CSS = """
    ChoiceScreen { align: center middle; }
    ChoiceScreen Vertical { width: 64; height: auto; max-height: 80%; border: round $primary; padding: 0 1; }
    ChoiceScreen Vertical { background: $surface; }
    ChoiceScreen OptionList { height: auto; max-height: 100%; border: none; background: $surface; }
    """

    def __init__(self, title: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._heading = title
        self._choices = choices

    def compose(self) -> ComposeResult:
        """An option for each."""
        with Vertical() as box:
            box.border_title = self._heading
            yield OptionList(*[Option(choice.text) for choice in self._choices], markup=False)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """The person chose."""
        self.dismiss(self._choices[event.option_index])
