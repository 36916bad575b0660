"""The graph: a line-API widget over flat rows (Textual's Tree does not fit a large graph)."""

from __future__ import annotations

from textual.actions import SkipAction
from textual.binding import Binding
from textual.events import Click
from textual.message import Message

from gradtui.trace import Pass
from gradtui.tui.widgets.rows_view import RowsView
from gradtui.views.absent import LIGHT
from gradtui.views.fold import Folding
from gradtui.views.gone import missing
from gradtui.views.rows import Row
from gradtui.views.shapes import CALLED, TITLES, Shapes, View, head_of, node_of, row_of
from gradtui.views.state import State
from gradtui.views.tree import GraphTree


class GraphView(RowsView, can_focus=True):
    """The graph of the shown pass in one of its views, with a row selected."""

    DEFAULT_CSS = """
    GraphView { border: round $panel; border-title-color: $foreground 70%; padding: 0 0 0 1; }
    GraphView { overflow: hidden scroll; }
    GraphView:focus { border: round $primary; border-title-color: $primary; }
    """
    BINDINGS = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "end(0)", "Top", show=False),
        Binding("end", "end(-1)", "Bottom", show=False),
        Binding("left", "fold", "Fold", show=False),
        Binding("right", "unfold", "Unfold", show=False),
        Binding("space", "toggle_fold", "Fold or unfold", show=False),
        Binding("enter", "enter", "Unfold, or go to the node's step", show=False),
    ]

    class Selected(Message):
        """The person selected a row."""

        def __init__(self, node: int, path: tuple[int, ...]) -> None:
            super().__init__()
            self.node = node
            self.path = path

    def __init__(self) -> None:
        super().__init__(id="graph")
        self.border_title = "graph"
        self.selected = -1
        """The selected row, -1 for none."""
        self._unseen = False
        self.state: State | None = None
        self.shapes = Shapes()
        self.shape: Folding | None = None
        self.beside = ""
        """What the frame says below, beside the key to the next view."""
        self._fitted = -1
        """Rows that can be scrolled to."""
        self._chosen_row: dict[View, tuple[Pass, int]] = {}
        """For each view the row selected last, in the pass to which it belongs."""

    # ---------------------------------------------------------------- showing

    def show(self, state: State) -> None:
        """Paint this moment; makes the rows when another pass or view is shown."""
        shown = state.shown_pass
        self.state = state
        shape = None if shown is None else self.shapes.shape_of(shown)
        if shape is not self.shape:
            self.shape = shape
            if shape is not None and self.selected >= len(shape):
                self.selected = -1
        if self._fitted != (0 if shape is None else len(shape.visible)):
            self._fit()
        title = "graph"
        if shown is not None:
            view = TITLES[self.shapes.view_of(shown)]
            size = f"{_counted(len(shown.nodes), 'node')}, {_counted(shown.edges, 'edge')}"
            title = f"{view} · {LIGHT if shown.light else size}"
        if title != self.border_title:
            self.border_title = title
        below = self._below(shown)
        if below != self.border_subtitle:
            self.border_subtitle = below
        if self._unseen and shape is not None and 0 <= self.selected < len(shape):
            self._bring_into_view(self.selected)
        self._unseen = False
        self.repaint()

    def _below(self, shown: Pass | None) -> str:
        if shown is None or not (self.shapes.chosen or self.shapes.has_modules(shown)):
            return self.beside
        turn = f"v: {CALLED[self.shapes.next_view(shown)]}"
        return f"{turn}   {self.beside}" if self.beside else turn

    def tree_for(self, shown: Pass) -> GraphTree:
        """The tree of a pass by data flow, built once."""
        return self.shapes.tree_of(shown)

    def turn(self, state: State) -> None:
        """The next of the three views. The row selected there is kept while it is of the same node."""
        shown = state.shown_pass
        if shown is None:
            return
        self._chosen_row[self.shapes.view_of(shown)] = (shown, self.selected)
        view = self.shapes.chosen = self.shapes.next_view(shown)
        self.show(state)
        shape, (of, row) = self.shape, self._chosen_row.get(view, (None, -1))
        assert shape is not None
        if of is shown and 0 <= row < len(shape) and node_of(shape, row) == state.selected:
            self.selected = row
            self._bring_into_view(row)
        elif state.selected is not None:
            self.select_node(state.selected, reveal=False)
        self.repaint()

    def select_node(self, node: int, reveal: bool = True) -> tuple[int, ...]:
        """Select a node and bring it into view; returns its path from the root.

        What is folded above it is unfolded, or else (not `reveal`) the folded row that holds it is selected.
        """
        state, shape = self.state, self.shape
        shown = None if state is None else state.shown_pass
        if state is None or shown is None or shape is None:
            return ()
        row = shape.row_of(node, state.cursor.step)
        if row < 0:
            return ()
        if not reveal and not isinstance(shape, GraphTree):
            row = shape.shown_for(row)
        elif shape.reveal(row):
            self._fit()
        self.selected = row
        self._bring_into_view(row)
        return self._path(shown, node)

    def _path(self, shown: Pass, node: int) -> tuple[int, ...]:
        tree = self.shapes.tree_of(shown)
        row = tree.first_row.get(node, -1)
        return tree.path(row) if row >= 0 else ()

    def _fit(self) -> None:
        self._fitted = 0 if self.shape is None else len(self.shape.visible)
        self.extend(self.text_width, self._fitted + 1)

    def _bring_into_view(self, row: int) -> None:
        assert self.shape is not None
        line = self.shape.line_of(row) + 1
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        if not top + 1 <= line < top + height - 1:
            self.scroll_to(y=max(0, line - height // 2), animate=False, force=True)

    def line_at(self, y: int) -> Row:
        """The titles at the top, then a row each."""
        state, shape = self.state, self.shape
        if state is None or shape is None or state.shown_pass is None:
            said = [] if state is None else missing(state, self.text_width)
            return said[y] if y < len(said) else ()
        if y == 0:
            return head_of(state.shown_pass, shape, self.text_width)
        line = y - 1 + self.scroll_offset.y
        if line >= len(shape.visible):
            return ()
        return row_of(state, shape, shape.visible[line], self.text_width)

    def selected_at(self) -> int:
        """The line of the selected row, where it can be seen."""
        line = self._line() - self.scroll_offset.y
        return line + 1 if self._line() >= 0 and 0 <= line < self.text_height - 1 else -1

    # ---------------------------------------------------------------- actions

    def _choose(self, line: int) -> None:
        shape, shown = self.shape, None if self.state is None else self.state.shown_pass
        if shape is None or shown is None or not len(shape.visible):
            return
        row = shape.visible[max(0, min(line, len(shape.visible) - 1))]
        self.selected = row
        self._unseen = True  # scrolled to in `show`: then all that follows the selection is painted at once
        node = node_of(shape, row)
        path = shape.path(row) if isinstance(shape, GraphTree) else self._path(shown, node)
        self.post_message(self.Selected(node, path))

    def _line(self) -> int:
        return -1 if self.shape is None else self.shape.line_of(self.selected)

    def action_move(self, rows: int) -> None:
        """Select the row above or below."""
        self._choose(self._line() + rows)

    def action_page(self, pages: int) -> None:
        """Select a row a page further."""
        self._choose(self._line() + pages * max(1, self.text_height - 2))

    def action_end(self, line: int) -> None:
        """Select the first or last row."""
        self._choose(line if line >= 0 else len(self.shape.visible) - 1 if self.shape else 0)

    def action_fold(self) -> None:
        """Fold the selected row; on a folded or childless one, go to its parent."""
        shape = self.shape
        if shape is None or self.selected < 0:
            return
        if shape.has_children(self.selected) and not shape.collapsed[self.selected]:
            self._set_folded(shape, True)
        elif shape.parent[self.selected] >= 0:
            self._choose(shape.line_of(shape.parent[self.selected]))

    def action_unfold(self) -> None:
        """Unfold the selected row."""
        if self.shape is not None and self.selected >= 0:
            self._set_folded(self.shape, False)

    def action_toggle_fold(self) -> None:
        """Fold or unfold."""
        if self.shape is not None and self.selected >= 0:
            self._set_folded(self.shape, not self.shape.collapsed[self.selected])

    def action_enter(self) -> None:
        """On a row that stands for several nodes: fold or unfold. On a node the key is the app's."""
        if self.shape is None or self.selected < 0 or self.shape.node[self.selected]:
            raise SkipAction
        self.action_toggle_fold()

    def _set_folded(self, shape: Folding, folded: bool) -> None:
        (shape.collapse if folded else shape.expand)(self.selected)
        self.shapes.note(shape, self.selected)
        self._reshaped()

    def _reshaped(self) -> None:
        self._fit()
        self.repaint()

    def on_click(self, event: Click) -> None:
        """Select the row under the mouse."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y > 0:
            self._choose(offset.y - 1 + self.scroll_offset.y)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
