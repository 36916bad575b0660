"""Paints rows by the line API: only what can be seen is made, and only lines that changed are drawn.

Invariant: nothing that happens at a step asks Textual for a layout. A layout repaints the whole
screen, which costs several times what the changed lines do. So the scrollbar's column is always
there, and the number of rows may change without one.
"""

from __future__ import annotations

from typing import ClassVar

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.geometry import Region, Size
from textual.reactive import Reactive
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

    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--selected", *[f"role--{role}" for role in ROLES]}
    DEFAULT_CSS = """
    RowsView {
        background: $surface; color: $foreground;
        overflow: scroll scroll; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0;
    }
    RowsView > .rows--selected { background: $panel; text-style: bold; }
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
    RowsView > .role--heat0 { background: $heat-0; color: $heat-below; }
    RowsView > .role--heat1 { background: $heat-1; color: $heat-below; }
    RowsView > .role--heat2 { background: $heat-2; color: $heat-below; }
    RowsView > .role--heat3 { background: $heat-3; color: $heat-below; }
    RowsView > .role--heat4 { color: $heat-below; }
    RowsView > .role--heat5 { background: $heat-5; color: $heat-5; }
    RowsView > .role--heat6 { background: $heat-6; color: $heat-6; }
    RowsView > .role--heat7 { background: $heat-7; color: $heat-7; }
    RowsView > .role--heat8 { background: $heat-8; color: $heat-8; }
    """

    ALLOW_MAXIMIZE = False
    """The arrangement knows how a pane stands alone."""

    virtual_size = Reactive(Size(0, 0), repaint=False, layout=False)
    """Of all rows. Without a layout, unlike Textual's own."""

    _styles: dict[str, Style] | None = None
    _over: Style | None = None
    _seen: tuple[Row, ...] = ()
    """The lines as they were painted last."""
    _seen_at: object = None
    """The size and scroll position for which `_seen` was made."""
    _selected_line = -1

    # -------------------------------------------------------------------- rows

    def line_at(self, y: int) -> Row:
        """The row on line `y` of what can be seen. Of the subclass."""
        raise NotImplementedError

    def selected_at(self) -> int:
        """The line that bears the selection, -1 for none."""
        return -1

    def extend(self, width: int, height: int) -> None:
        """The rows are so many, and so wide."""
        size = Size(width, height)
        if size == self.virtual_size:
            return
        self.virtual_size = size
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.window_virtual_size = height
            self.vertical_scrollbar.window_size = self.container_size.height
        self.scroll_x, self.scroll_y = self.scroll_x, self.scroll_y  # validated anew

    def repaint(self) -> None:
        """Draw the lines that are not as they were painted last."""
        if not self._is_mounted or not self.size:
            self._seen_at = None  # once it has a size again, all is looked at anew
            return
        before, selected = self._seen, self._selected_line
        if self._place() != self._seen_at or len(before) != self.text_height:
            self._look()
            if len(before) != len(self._seen):
                self.refresh()
                return
        else:
            self._look()
        changed = [y for y, (old, new) in enumerate(zip(before, self._seen)) if old != new]
        if selected != self._selected_line:
            changed = sorted({*changed, selected, self._selected_line} - {-1})
        regions = _regions(changed, self.size.width)
        if regions:
            self.refresh(*regions)

    def _place(self) -> object:
        return self.size, self.scroll_offset

    def _look(self) -> None:
        self._seen_at = self._place()
        self._seen = tuple([self.line_at(y) for y in range(self.text_height)])
        self._selected_line = self.selected_at()

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        """Sideways, every line is another."""
        if round(old_value) != round(new_value):
            self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Only the lines that differ are drawn."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new_value
        if round(old_value) != round(new_value):
            self.repaint()

    @property
    def text_width(self) -> int:
        """Cells that a row has."""
        return max(1, self.scrollable_content_region.width)

    @property
    def text_height(self) -> int:
        """Rows that can be seen at once."""
        return max(1, self.scrollable_content_region.height)

    def render_line(self, y: int) -> Strip:
        """One line of what can be seen."""
        if self._place() != self._seen_at or y >= len(self._seen):
            self._look()
        row = self._seen[y] if y < len(self._seen) else ()
        x, width = self.scroll_offset.x, self.text_width
        over = self._selection_style() if y == self._selected_line else None
        strip = self.strip_of(row, width + x, over)
        return strip.crop(x, x + width) if x else strip

    # ------------------------------------------------------------------- style

    def notify_style_update(self) -> None:
        """The theme changed: forget the styles."""
        super().notify_style_update()
        self._styles = self._over = None

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

    def _selection_style(self) -> Style:
        if self._over is None:
            self._over = self.get_component_rich_style("rows--selected", partial=True)
        return self._over

    def strip_of(self, row: Row, width: int, over: Style | None = None) -> Strip:
        """A row as a strip of exactly `width` cells; `over` is laid over every style."""
        styles = self.styles_by_role()
        segments = [
            Segment(span.text, styles[span.role] if over is None else styles[span.role] + over)
            for span in row
        ]
        blank = styles[""] if over is None else styles[""] + over
        return Strip(segments).adjust_cell_length(width, blank)


def _regions(lines: list[int], width: int) -> list[Region]:
    """Lines as regions, neighbours together."""
    regions: list[Region] = []
    for y in lines:
        if regions and regions[-1].bottom == y:
            regions[-1] = Region(0, regions[-1].y, width, regions[-1].height + 1)
        else:
            regions.append(Region(0, y, width, 1))
    return regions
