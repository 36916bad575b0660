"""Paints rows by the line API: only what can be seen is drawn, and only when it changed."""

from __future__ import annotations

from typing import ClassVar

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.scroll_view import ScrollView
from textual.strip import Strip

from gradtui.views.rows import ROLES, Row

FAINT = 0.6
"""How much of the foreground is left in dim text; below, light themes get too pale to read."""


def _faint(base: Style) -> RichColor | None:
    """The foreground, blended towards the background (component styles drop a colour's alpha)."""
    if base.color is None or base.bgcolor is None:
        return base.color
    back, front = Color.from_rich_color(base.bgcolor), Color.from_rich_color(base.color)
    return back.blend(front, FAINT).rich_color


class RowsView(ScrollView):
    """Base of every pane: a role becomes a style of the theme."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"role--{role}" for role in ROLES}
    DEFAULT_CSS = """
    RowsView {
        background: $surface; color: $foreground;
        scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0;
    }
    RowsView > .role--strong { text-style: bold; }
    RowsView > .role--name { color: $primary; }
    RowsView > .role--op { color: $secondary; }
    RowsView > .role--number { color: $foreground; }
    RowsView > .role--good { color: $success; }
    RowsView > .role--bad { color: $error; text-style: bold; }
    RowsView > .role--warn { color: $warning; }
    RowsView > .role--now { color: $accent; text-style: bold; }
    RowsView > .role--next { color: $primary; text-style: bold; }
    RowsView > .role--title { color: $background; background: $primary; text-style: bold; }
    RowsView > .role--keyword { color: $primary; }
    RowsView > .role--string { color: $success; }
    RowsView > .role--comment { text-style: italic; }
    RowsView > .role--marked { text-style: bold; }
    """

    _styles: dict[str, Style] | None = None

    def notify_style_update(self) -> None:
        """The theme changed: forget the styles."""
        super().notify_style_update()
        self._styles = None

    def styles_by_role(self) -> dict[str, Style]:
        """The style of each role; '' is the plain one."""
        if self._styles is None:
            base = self.rich_style
            faint = base + Style(color=_faint(base))
            self._styles = {"": base}
            for role in ROLES:
                under = faint if role in ("dim", "comment") else base
                self._styles[role] = under + self.get_component_rich_style(f"role--{role}", partial=True)
        return self._styles

    def strip_of(self, row: Row, width: int, over: Style | None = None) -> Strip:
        """A row as a strip of exactly `width` cells; `over` is laid over every style."""
        styles = self.styles_by_role()
        segments = [
            Segment(span.text, styles[span.role] if over is None else styles[span.role] + over)
            for span in row
        ]
        blank = styles[""] if over is None else styles[""] + over
        return Strip(segments).adjust_cell_length(width, blank)
