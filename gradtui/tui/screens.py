"""What opens over the debugger: the keys, and the knobs of the program."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from gradtui.session.knobs import Knob, show
from gradtui.tui.keys import MARKS, MEANINGS
from gradtui.tui.widgets.pane import Pane
from gradtui.views.rows import Row, row, wrapped


class HelpScreen(ModalScreen[None]):
    """All keys and marks."""

    BINDINGS = [Binding("escape,q,question_mark,enter", "dismiss", "Close")]
    CSS = """
    HelpScreen { align: center middle; }
    HelpScreen Pane { width: 100%; max-width: 100; max-height: 90%; border: round $primary; }
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
        pane.focus()


class KnobScreen(ModalScreen["tuple[str, str | None] | None"]):
    """Choose a knob's value; the answer is (name, value), value None where it must be typed."""

    BINDINGS = [Binding("escape,q,k", "dismiss", "Close")]
    CSS = """
    KnobScreen { align: center middle; }
    KnobScreen Vertical { width: 60; height: auto; max-height: 80%; border: round $primary; padding: 0 1; }
    KnobScreen Vertical { background: $surface; }
    KnobScreen OptionList { height: auto; max-height: 100%; border: none; background: $surface; }
    """

    def __init__(self, knobs: tuple[Knob, ...], settings: Mapping[str, str]) -> None:
        super().__init__()
        self._knobs = knobs
        self._settings = settings
        self._answers: list[tuple[str, str | None]] = []

    def compose(self) -> ComposeResult:
        """An option for each value that can be chosen."""
        options: list[Option] = []
        for knob in self._knobs:
            current = self._settings.get(knob.name, show(knob.default))
            values: list[str | None] = [show(v) for v in knob.options] or [None]
            for value in values:
                mark = "●" if value == current else "○"
                text = (
                    f"{knob.name} = {value}"
                    if value is not None
                    else f"{knob.name} = {current}   (type another)"
                )
                options.append(Option(f"{mark} {text}"))
                self._answers.append((knob.name, value))
        with Vertical() as box:
            box.border_title = "knobs  (enter runs the program again)"
            yield OptionList(*options)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """The person chose."""
        self.dismiss(self._answers[event.option_index])
