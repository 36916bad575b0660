"""A pane of text rows with a title."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.events import Click
from textual.message import Message

from gradtui.tui.widgets.rows_view import RowsView
from gradtui.views.rows import Row, Target, target_at, width_of

MEASURED = 2_000
"""Rows whose width is looked at, for scrolling sideways."""


class Pane(RowsView, can_focus=True):
    """Shows what a view made. `wide` panes scroll sideways, the others cut."""

    DEFAULT_CSS = """
    Pane { border: round $panel; border-title-color: $foreground 70%; padding: 0 0 0 1; }
    Pane { border-subtitle-color: $foreground 70%; }
    Pane:focus { border: round $primary; border-title-color: $primary; }
    """

    class Pointed(Message):
        """The person clicked on something that leads to a step or a node."""

        def __init__(self, target: Target) -> None:
            super().__init__()
            self.target = target

    def __init__(self, name: str, title: str, wide: bool = False) -> None:
        super().__init__(id=name)
        self.title = self.below = ""
        self.entitle(title)
        self.rows: Sequence[Row] = []
        self._wide = wide
        self._near: int | None = None

    def entitle(self, title: str) -> None:
        """Set the title; brackets in it are no markup."""
        if title != self.title:
            self.title = title
            self.border_title = Content(title)

    def tell_below(self, text: str) -> None:
        """Set what the frame says below, no markup; the whole pane is painted for it, the same or not."""
        if text != self.below:
            self.below = text
            self.border_subtitle = Content(text)

    def show(
        self,
        rows: Sequence[Row],
        title: str | None = None,
        top: bool = False,
        bottom: bool = False,
        width: int = 0,
    ) -> bool:
        """Replace the rows; what is the same is not painted again. `top`, `bottom`: scroll there.

        Returns whether they are other rows than before.

        `width`: of the widest row, where it is known already.
        """
        if title is not None:
            self.entitle(title)
        new, self.rows = rows != self.rows, rows
        if new:
            if self._wide and not width and len(rows) <= MEASURED:
                width = max([0, *[width_of(row) for row in rows]])
            self.extend(max(width, self.text_width), len(rows))
            if top or bottom:
                self.scroll_to(y=0 if top else len(rows), animate=False, force=True)
        self.repaint()
        return new

    def bring_into_view(self, line: int) -> None:
        """Scroll so that a row (from 0) can be seen, with some rows around it."""
        self._near = line
        self._scroll_near(line)

    def on_resize(self) -> None:
        """A pane just opened has had no height to scroll in."""
        if self._near is not None:
            self.call_after_refresh(self._scroll_near, self._near)

    def _scroll_near(self, line: int) -> None:
        top, height = self.scroll_offset.y, max(1, self.scrollable_content_region.height)
        if not top + 1 <= line < top + height - 1:
            self.scroll_to(y=max(0, line - height // 3), animate=False, force=True)

    def on_click(self, event: Click) -> None:
        """Follow what is under the mouse: the span itself, else the first of its row that leads anywhere."""
        offset = event.get_content_offset(self)
        at = -1 if offset is None else offset.y + self.scroll_offset.y
        if offset is None or not 0 <= at < len(self.rows):
            return
        target = target_at(self.rows[at], offset.x + self.scroll_offset.x)
        if target is not None:
            self.post_message(self.Pointed(target))

    def line_at(self, y: int) -> Row:
        """One line of the pane."""
        index = self.scroll_offset.y + y
        return self.rows[index] if 0 <= index < len(self.rows) else ()
