"""The graph: a line-API widget over the flat tree (Textual's Tree does not fit a large graph)."""

from __future__ import annotations

from textual.binding import Binding
from textual.events import Click
from textual.message import Message

from gradtui.trace import Pass
from gradtui.tui.widgets.rows_view import RowsView
from gradtui.views import graph as view
from gradtui.views.rows import Row
from gradtui.views.state import State
from gradtui.views.status import empty
from gradtui.views.tree import GraphTree

KEPT = 4
"""Trees kept, so that going back and forth between passes does not build them again."""


class GraphView(RowsView, can_focus=True):
    """The tree of the shown pass, with a row selected."""

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
        """The selected row of the tree, -1 for none."""
        self._unseen = False
        self.state: State | None = None
        self.tree_model: GraphTree | None = None
        self._trees: dict[int, tuple[Pass, GraphTree]] = {}

    # ---------------------------------------------------------------- showing

    def show(self, state: State) -> None:
        """Paint this moment; builds the tree when another pass is shown."""
        shown = state.shown_pass
        self.state = state
        tree = None if shown is None else self.tree_for(shown)
        if tree is not self.tree_model:
            self.tree_model = tree
            self._fit()
        title = "graph"
        if shown is not None:
            title = f"graph · {_counted(len(shown.nodes), 'node')}, {_counted(shown.edges, 'edge')}"
        if title != self.border_title:
            self.border_title = title
        if self._unseen and tree is not None and 0 <= self.selected < len(tree):
            self._bring_into_view(self.selected)
        self._unseen = False
        self.repaint()

    def tree_for(self, shown: Pass) -> GraphTree:
        """The tree of a pass, built once."""
        known = self._trees.get(shown.number)
        if known is not None and known[0] is shown:
            return known[1]
        tree = GraphTree(shown)
        while len(self._trees) >= KEPT:
            del self._trees[next(iter(self._trees))]
        self._trees[shown.number] = (shown, tree)
        return tree

    def row_of_node(self, node: int) -> int:
        """The row at which a node is expanded, -1 where it is not in the graph."""
        return -1 if self.tree_model is None else self.tree_model.first_row.get(node, -1)

    def select_node(self, node: int) -> tuple[int, ...]:
        """Select a node's own row and bring it into view; returns its path from the root."""
        tree = self.tree_model
        row = self.row_of_node(node)
        if tree is None or row < 0:
            return ()
        if tree.reveal(row):
            self._fit()
        self.selected = row
        self._bring_into_view(row)
        return tree.path(row)

    def _fit(self) -> None:
        count = len(self.tree_model.visible) if self.tree_model is not None else 0
        self.extend(self.text_width, count + 1)

    def _bring_into_view(self, row: int) -> None:
        assert self.tree_model is not None
        line = self.tree_model.line_of(row) + 1
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        if not top + 1 <= line < top + height - 1:
            self.scroll_to(y=max(0, line - height // 2), animate=False, force=True)

    def line_at(self, y: int) -> Row:
        """The titles at the top, then a row each."""
        state, tree = self.state, self.tree_model
        if state is None or tree is None or state.shown_pass is None:
            return empty(state) if state is not None and y == 0 else ()
        if y == 0:
            return view.head(state.shown_pass, tree, self.text_width)
        line = y - 1 + self.scroll_offset.y
        if line >= len(tree.visible):
            return ()
        return view.row_of(state, tree, tree.visible[line], self.text_width)

    def selected_at(self) -> int:
        """The line of the selected row, where it can be seen."""
        line = self._line() - self.scroll_offset.y
        return line + 1 if self._line() >= 0 and 0 <= line < self.text_height - 1 else -1

    # ---------------------------------------------------------------- actions

    def _choose(self, line: int) -> None:
        tree = self.tree_model
        if tree is None or not tree.visible:
            return
        row = tree.visible[max(0, min(line, len(tree.visible) - 1))]
        self.selected = row
        self._unseen = True  # scrolled to in `show`: then all that follows the selection is painted at once
        self.post_message(self.Selected(tree.node[row], tree.path(row)))

    def _line(self) -> int:
        return -1 if self.tree_model is None else self.tree_model.line_of(self.selected)

    def action_move(self, rows: int) -> None:
        """Select the row above or below."""
        self._choose(self._line() + rows)

    def action_page(self, pages: int) -> None:
        """Select a row a page further."""
        self._choose(self._line() + pages * max(1, self.text_height - 2))

    def action_end(self, line: int) -> None:
        """Select the first or last row."""
        self._choose(line if line >= 0 else len(self.tree_model.visible) - 1 if self.tree_model else 0)

    def action_fold(self) -> None:
        """Fold the selected row; on a folded or childless one, go to its parent."""
        tree = self.tree_model
        if tree is None or self.selected < 0:
            return
        if tree.has_children(self.selected) and not tree.collapsed[self.selected]:
            tree.collapse(self.selected)
            self._reshaped()
        elif tree.parent[self.selected] >= 0:
            self._choose(tree.line_of(tree.parent[self.selected]))

    def action_unfold(self) -> None:
        """Unfold the selected row."""
        if self.tree_model is not None and self.selected >= 0:
            self.tree_model.expand(self.selected)
            self._reshaped()

    def action_toggle_fold(self) -> None:
        """Fold or unfold."""
        tree = self.tree_model
        if tree is not None and self.selected >= 0:
            (tree.expand if tree.collapsed[self.selected] else tree.collapse)(self.selected)
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
