"""The watched expressions, over the panes: as many lines as there are, up to a few."""

from __future__ import annotations

from gradtui.tui.widgets.rows_view import RowsView
from gradtui.views import watch
from gradtui.views.rows import Row, Span
from gradtui.views.state import State

MOST, FEW = 6, 3
"""Lines at most, and on a low screen; of more the first ones are shown."""
LOW = 36
"""Rows below which a screen is low."""


class WatchLines(RowsView, can_focus=False):
    """Of no height while nothing is watched."""

    DEFAULT_CSS = """
    WatchLines { height: 0; overflow: hidden; background: $surface; }
    """

    def __init__(self) -> None:
        super().__init__(id="watch")
        self.rows: list[Row] = []
        self._height = 0

    def show(self, state: State) -> None:
        """What they gave at the last stop up to the cursor."""
        seen = watch.seen_at(state)
        rows = watch.rows_of(state, max(20, self.app.size.width - 6)) if seen else []
        most = MOST if self.app.size.height >= LOW else FEW
        self.rows = [(Span(" ◉ ", "now"), *line) for line in rows[:most]]
        if len(rows) > most:
            self.rows[-1] = (*self.rows[-1], Span(f"   and {len(rows) - most} more", "dim"))
        if self._height != len(self.rows):
            self.styles.height = self._height = len(self.rows)
        self.repaint()

    def line_at(self, y: int) -> Row:
        """One line of it."""
        return self.rows[y] if y < len(self.rows) else ()
