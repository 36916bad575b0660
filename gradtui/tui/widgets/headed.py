"""A pane whose first row stays at the top: the titles of a table's columns."""

from __future__ import annotations

from gradtui.tui.widgets.pane import Pane
from gradtui.views.rows import Row


class HeadedPane(Pane):
    """The titles cover what is scrolled to the top line; `bring_into_view` keeps a row clear of it."""

    def line_at(self, y: int) -> Row:
        """The titles, then the rows as they are scrolled."""
        return self.rows[0] if y == 0 and len(self.rows) else super().line_at(y)
