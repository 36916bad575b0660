"""The list of lessons, or of the programs of a folder: what each shows, read without running it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.events import Click
from textual.screen import Screen
from textual.widgets import Footer

from gradtui.session.errors import BadInput
from gradtui.session.programs import Program
from gradtui.tui.widgets.line import Line
from gradtui.tui.widgets.pane import Pane
from gradtui.tui.widgets.rows_view import RowsView
from gradtui.views import lesson
from gradtui.views.rows import Row, Span, fit, row, wrapped

NARROW = 90
"""Columns below which only the list is shown."""
MARK, ENGINE, KNOBS = 2, 7, 5
"""Cells of the columns that are always as wide."""
ABOUT = 44
"""Columns that the pane beside the list has at least."""
AROUND = 4
"""Columns of the list that its rows have not: border, space, scrollbar."""


class PickerList(RowsView, can_focus=True, inherit_bindings=False):
    """One line for each program; the chosen one is marked."""

    DEFAULT_CSS = """
    PickerList { width: 1fr; border: round $primary; border-title-color: $primary; padding: 0 0 0 1; }
    PickerList > .rows--selected { background: $primary 25%; text-style: bold; }
    """

    def __init__(self, listed: Sequence[Program | BadInput]) -> None:
        super().__init__(id="programs")
        self.listed = listed
        self.chosen = 0
        self.beside = False
        """Does a pane beside the list tell of the chosen one?"""

    def on_mount(self) -> None:
        """As long as the list."""
        self.extend(self.text_width, len(self.listed))

    def columns(self, width: int) -> _Columns:
        """The columns in rows of `width` cells."""
        return _Columns.of(self.listed, width, self.beside)

    def choose(self, index: int) -> None:
        """Mark another line."""
        self.chosen = max(0, min(index, len(self.listed) - 1))
        top, height = self.scroll_offset.y, self.text_height
        if not top <= self.chosen < top + height:
            self.scroll_to(y=max(0, self.chosen - height // 2), animate=False, force=True)
        self.repaint()

    def line_at(self, y: int) -> Row:
        """One program."""
        at = y + self.scroll_offset.y
        if at >= len(self.listed):
            return ()
        return _line(self.listed[at], at == self.chosen, self.columns(self.text_width))

    def selected_at(self) -> int:
        """The line of the chosen program."""
        line = self.chosen - self.scroll_offset.y
        return line if 0 <= line < self.text_height else -1


@dataclass(frozen=True)
class _Columns:
    """How wide names and titles are; a name of 0 is left out: the pane beside the list has it too."""

    name: int
    title: int

    @classmethod
    def of(cls, listed: Sequence[Program | BadInput], width: int, beside: bool) -> _Columns:
        """For the programs that are there, in rows of `width` cells."""
        programs = [item for item in listed if isinstance(item, Program)]
        name = min(24, max((cell_len(p.path.stem) for p in programs), default=0) + 1)
        title = max((cell_len(p.title) for p in programs), default=0) + 1
        left = width - MARK - ENGINE - KNOBS
        if beside and name + title > left:
            return cls(0, left)
        return cls(name, max(8, min(title, left - name)))

    @property
    def whole(self) -> int:
        """Cells of a row."""
        return MARK + self.name + self.title + ENGINE + KNOBS


def _line(item: Program | BadInput, chosen: bool, columns: _Columns) -> Row:
    mark = "▶ " if chosen else "  "
    if isinstance(item, BadInput):
        file = re.search(r"[^\s/]+\.pyw?\b", str(item))
        what = f"{file.group()}  cannot be run" if file else str(item).splitlines()[0]
        return row((mark, "now"), ("✗ ", "bad"), (fit(what, max(1, columns.whole - 4)), "bad"))
    name = Span(fit(item.path.stem, columns.name - 1) + " " if columns.name else "", "name")
    title = fit(item.title, columns.title - 1) + " "
    knobs = "knobs" if item.knobs else ""
    return row((mark, "now"), name, title, (fit(item.engine, ENGINE), "op"), (fit(knobs, KNOBS), "dim"))


class PickerScreen(Screen["Program | None"]):
    """Answers with the program to open, None to leave."""

    BINDINGS = [
        Binding("enter", "open", "Open"),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "move(-10)", "Page up", show=False),
        Binding("pagedown", "move(10)", "Page down", show=False),
        Binding("home", "move(-10000)", "First", show=False),
        Binding("end", "move(10000)", "Last", show=False),
        Binding("t", "app.next_theme", "Theme"),
        Binding("q,escape", "leave", "Quit"),
    ]
    CSS = """
    PickerScreen { background: $background; }
    PickerScreen #about { width: 1fr; }
    """

    def __init__(self, listed: Sequence[Program | BadInput], last: str = "") -> None:
        super().__init__()
        self._listed = listed
        self._last = last

    def compose(self) -> ComposeResult:
        """A title, the list, what it says about itself."""
        yield Line("where")
        with Horizontal():
            yield PickerList(self._listed)
            yield Pane("about", "about")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Start at the one that was open last."""
        motto = Span("  the debugger for the backward pass: choose a lesson", "dim")
        self.query_one("#where", Line).show((Span(" "), Span(" gradtui ", "title"), motto))
        self.list.border_title = f"lessons · {len(self._listed)}"
        names = [item.path.name if isinstance(item, Program) else "" for item in self._listed]
        self.list.chosen = names.index(self._last) if self._last and self._last in names else 0
        self.list.focus()
        self.call_after_refresh(self._tell)

    def on_resize(self) -> None:
        """The text needs room."""
        beside = self.list.beside = self.size.width >= NARROW
        self.query_one("#about").display = beside
        most = self.size.width - ABOUT
        self.list.styles.width = self.list.columns(most - AROUND).whole + AROUND if beside else "1fr"
        self.call_after_refresh(self._tell)

    @property
    def list(self) -> PickerList:
        """The list."""
        return self.query_one(PickerList)

    def _tell(self) -> None:
        """What the chosen program says about itself."""
        pane = self.query_one("#about", Pane)
        if not pane.display or not self._listed:
            return
        item, width = self._listed[self.list.chosen], pane.text_width
        if isinstance(item, BadInput):
            pane.show(
                [r for line in str(item).splitlines() for r in wrapped(row((line, "bad")), width)], "about"
            )
            return
        rows = lesson.rows_of(item.lesson or item.title, None, width)
        for knob in item.knobs:
            rows += [(), *wrapped(row(("knob  ", "now"), knob.describe()), width, "      ")]
        pane.show(rows, str(item.path.name), top=True)

    def action_move(self, lines: int) -> None:
        """Another line."""
        self.list.choose(self.list.chosen + lines)
        self._tell()

    def action_open(self) -> None:
        """Open the chosen one."""
        item = self._listed[self.list.chosen]
        if isinstance(item, Program):
            self.dismiss(item)

    def action_leave(self) -> None:
        """Leave without one."""
        self.dismiss(None)

    def on_click(self, event: Click) -> None:
        """Mark the line under the mouse; a second click opens it."""
        offset = event.get_content_offset(self.list)
        if offset is None:
            return
        at = offset.y + self.list.scroll_offset.y
        if at < len(self._listed):
            again = at == self.list.chosen
            self.action_move(at - self.list.chosen)
            if again and event.chain > 1:
                self.action_open()
