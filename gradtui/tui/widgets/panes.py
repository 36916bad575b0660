"""The area of the panes: lays them out as `arrangement` says."""

from __future__ import annotations

from textual.containers import Container
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from gradtui.tui.arrangement import Wanted, Wish, arrange
from gradtui.tui.widgets.pane import Pane


class PaneLayout(Layout):
    """Puts each child where the arrangement has it, by its id."""

    name = "panes"

    def __init__(self) -> None:
        self.wish = Wish()
        self.wanted: Wanted = {}

    def arrange(
        self,
        parent: Widget,
        children: list[Widget],
        size: Size,
        greedy: bool = True,  # noqa: ARG002
    ) -> ArrangeResult:
        """One placement for each child that can be seen."""
        parent.pre_layout(self)
        boxes = arrange(size.width, size.height, self.wish, self.wanted)
        return [
            WidgetPlacement(Region(*boxes[child.id]), NULL_OFFSET, NULL_SPACING, child)
            for child in children
            if child.id in boxes
        ]


class Panes(Container):
    """Holds the panes; only those of the arrangement are displayed."""

    DEFAULT_CSS = "Panes { height: 1fr; width: 1fr; }"

    def __init__(self, *panes: Widget) -> None:
        super().__init__(*panes, id="panes")
        self.text_panes = [pane for pane in panes if isinstance(pane, Pane)]
        """All but the graph."""
        self._panes_layout = PaneLayout()

    @property
    def layout(self) -> Layout:
        """Our own."""
        return self._panes_layout

    @property
    def wish(self) -> Wish:
        """What is shown now."""
        return self._panes_layout.wish

    def show(self, wish: Wish, wanted: Wanted, size: Size) -> None:
        """Show other panes, or give them other heights, in an area of about this size."""
        self._panes_layout.wish, self._panes_layout.wanted = wish, wanted
        boxes = arrange(size.width, size.height, wish, wanted)
        for child in self.children:
            child.display = child.id in boxes
        # Of a child: it makes its parent place all of them anew.
        self.children[0].refresh(repaint=False, layout=True)
