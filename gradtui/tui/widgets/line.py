"""One line of spans: the status at the top, the newest finding below it."""

from __future__ import annotations

from textual.strip import Strip

from gradtui.tui.widgets.rows_view import RowsView
from gradtui.views.rows import Row


class Line(RowsView, can_focus=False):
    """A single row over the whole width."""

    DEFAULT_CSS = """
    Line { height: 1; overflow: hidden; background: $panel; }
    """

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self._row: Row = ()

    def show(self, row: Row) -> None:
        """Replace the row."""
        if row != self._row:
            self._row = row
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The row itself."""
        return self.strip_of(self._row if y == 0 else (), self.size.width)
