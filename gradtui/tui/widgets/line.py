"""What stands over the panes: the status, the newest finding, what the lesson says of this step."""

from __future__ import annotations

from collections.abc import Collection

from textual.strip import Strip

from gradtui.tui.widgets.rows_view import RowsView
from gradtui.views.rows import Row, row, wrapped


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


class Hint(RowsView, can_focus=False):
    """What the lesson says of this position. As high as its longest hint (up to three lines), always:
    the panes below shall not jump from step to step."""

    DEFAULT_CSS = """
    Hint { overflow: hidden; background: $surface; display: none; }
    """
    MOST = 3

    def __init__(self) -> None:
        super().__init__(id="hint")
        self._rows: list[Row] = []
        self._height = 0

    def show(self, text: str | None, hints: Collection[str]) -> None:
        """Show one of the hints, or none of them."""
        rows = self._wrapped(text) if text else []
        height = min(self.MOST, max((len(self._wrapped(hint)) for hint in hints), default=0))
        if self.display != bool(height):
            self.display = bool(height)
        if height and self._height != height:
            self.styles.height = self._height = height
        if rows != self._rows:
            self._rows = rows
            self.refresh()

    def _wrapped(self, text: str) -> list[Row]:
        return wrapped(row((" ➤ ", "now"), (text, "strong")), max(20, self.app.size.width - 1), "   ")

    def render_line(self, y: int) -> Strip:
        """One line of it."""
        return self.strip_of(self._rows[y] if y < len(self._rows) else (), self.size.width)
