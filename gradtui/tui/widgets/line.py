"""What stands over the panes: the status, the newest finding, what the lesson says of this step."""

from __future__ import annotations

from collections.abc import Collection

from rich.cells import cell_len

from gradtui.tui.widgets.rows_view import RowsView
from gradtui.views.rows import Row, Span, fit, row, width_of, wrapped


class Line(RowsView, can_focus=False):
    """A single row over the whole width; of a longer one, an ellipsis says that there is more."""

    DEFAULT_CSS = """
    Line { height: 1; overflow: hidden; background: $panel; }
    """

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self._row: Row = ()
        self._end: Row = ()

    def show(self, row: Row, end: Row = ()) -> None:
        """Replace the row. `end` stands at its right, also where the row itself has to be cut."""
        self._row, self._end = row, end
        self.repaint()

    def line_at(self, y: int) -> Row:
        """The row itself."""
        return cut(self._row, self.size.width, self._end) if y == 0 else ()


class Alert(RowsView, can_focus=False):
    """The newest finding: in two lines as soon as one of them has needed two, so that nothing jumps."""

    DEFAULT_CSS = """
    Alert { height: 1; overflow: hidden; background: $surface; display: none; }
    """
    MOST = 2

    def __init__(self) -> None:
        super().__init__(id="alert")
        self._rows: list[Row] = []
        self._height = 1

    def show(self, text: Row | None, end: Row) -> None:
        """Show a finding, or none. `end` stands at the right of its last line, whatever is cut."""
        width = max(20, self.app.size.width - 1)
        whole = wrapped((*(text or ()), Span(" "), *end), width, "   ")
        height = 1 if text is None else min(self.MOST, max(self._height, len(whole)))
        if text is None or len(whole) <= 1:
            self._rows = [(*(text or ()), *end)]
        else:
            lines = wrapped(text or (), width, "   ")
            rest = [span for line in lines[height - 1 :] for span in line]
            self._rows = [*lines[: height - 1], cut(tuple(rest), width, end)]
        if self.display != (text is not None):
            self.display = text is not None
        if self._height != height:
            self.styles.height = self._height = height
        self.repaint()

    def line_at(self, y: int) -> Row:
        """One line of it."""
        return self._rows[y] if y < len(self._rows) else ()


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
        height = min(self.MOST, max((len(self._wrapped(hint)) for hint in hints), default=0))
        self._rows = self._wrapped(text) if text else []
        if len(self._rows) > height:
            rest = (*self._rows[height - 1], *[span for r in self._rows[height:] for span in r])
            self._rows[height - 1 :] = [cut(rest, self._width)]
        if self.display != bool(height):
            self.display = bool(height)
        if height and self._height != height:
            self.styles.height = self._height = height
        self.repaint()

    @property
    def _width(self) -> int:
        return max(20, self.app.size.width - 1)

    def _wrapped(self, text: str) -> list[Row]:
        return wrapped(row((" ➤ ", "now"), (text, "strong")), self._width, "   ")

    def line_at(self, y: int) -> Row:
        """One line of it."""
        return self._rows[y] if y < len(self._rows) else ()


def cut(parts: Row, width: int, end: Row = ()) -> Row:
    """A row in at most `width` cells, with an ellipsis where it is cut; `end` stands behind it, whole."""
    left = max(1, width - width_of(end))
    if width_of(parts) <= left:
        return (*parts, *end)
    kept: list[Span] = []
    for span in parts:
        size = cell_len(span.text)
        if size >= left:
            kept.append(Span(fit(span.text + "…", left), span.role, span.target))
            break
        kept.append(span)
        left -= size
    return (*kept, *end)
