"""The three views of a graph: by data flow, by module, by execution order; the rows of each.

Keeps what was made for the passes looked at last, and across passes what the person has unfolded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias, TypeVar

from gradtui.trace import Pass
from gradtui.views import graph, modules, timeline
from gradtui.views.fold import Folding
from gradtui.views.order import Order
from gradtui.views.outline import Outline
from gradtui.views.rows import Row
from gradtui.views.state import State
from gradtui.views.tree import GraphTree

View: TypeAlias = Literal["flow", "modules", "order"]
VIEWS: tuple[View, ...] = ("flow", "modules", "order")
TITLES = {"flow": "graph", "modules": "graph by module", "order": "graph by execution order"}
CALLED = {"flow": "by data flow", "modules": "by module", "order": "by execution order"}
KEPT = 8
"""Shapes kept, so that going back and forth between passes and views does not make them again."""
SMALL = 40
"""Nodes up to which a graph is shown by data flow at first, whatever modules it has."""

_Shape = TypeVar("_Shape", bound=Folding)


class Shapes:
    """What the graph pane draws from."""

    def __init__(self) -> None:
        self.chosen: View | None = None
        """The view the person asked for; None: by module where the graph is large and has any."""
        self.opened: dict[str, bool] = {}
        """By key of a heading: unfolded by the person, or folded."""
        self._kept: dict[tuple[int, str], tuple[Pass, Folding]] = {}
        self._asked: tuple[Pass | None, bool] = (None, False)
        """Of the pass asked about last: has it modules?"""

    def has_modules(self, shown: Pass) -> bool:
        """Was any node of the pass made in a module?"""
        if self._asked[0] is not shown:
            self._asked = (shown, any(node.module for node in shown.nodes.values()))
        return self._asked[1]

    def view_of(self, shown: Pass) -> View:
        """The view in which a pass is shown."""
        if self.chosen is not None:
            return self.chosen
        return "modules" if len(shown.nodes) > SMALL and self.has_modules(shown) else "flow"

    def next_view(self, shown: Pass) -> View:
        """The view that follows the one in which a pass is shown."""
        return VIEWS[(VIEWS.index(self.view_of(shown)) + 1) % len(VIEWS)]

    def shape_of(self, shown: Pass) -> Folding:
        """What is drawn of a pass, with all its steps so far."""
        view = self.view_of(shown)
        if view == "flow":
            return self.tree_of(shown)
        if view == "modules":
            outline = self._of(shown, Outline, lambda p: Outline(p, self.opened))
            outline.totals.catch_up()
            return outline
        order = self._of(shown, Order, Order)
        order.catch_up()
        return order

    def tree_of(self, shown: Pass) -> GraphTree:
        """The tree by data flow: it tells the way from the root to a node, whatever is shown."""
        return self._of(shown, GraphTree, GraphTree)

    def _of(self, shown: Pass, kind: type[_Shape], make: Callable[[Pass], _Shape]) -> _Shape:
        key = (shown.number, kind.__name__)
        known = self._kept.get(key)
        if known is not None and known[0] is shown and isinstance(known[1], kind):
            return known[1]
        self._kept.pop(key, None)
        while len(self._kept) >= KEPT:
            del self._kept[next(iter(self._kept))]
        shape = make(shown)
        self._kept[key] = (shown, shape)
        return shape

    def note(self, shape: Folding, row: int) -> None:
        """The person folded or unfolded a row: passes to come begin like that."""
        if isinstance(shape, Outline) and row in shape.headings:
            self.opened[shape.headings[row].key] = not shape.collapsed[row]


def head_of(shown: Pass, shape: Folding, width: int) -> Row:
    """The titles of the columns."""
    if isinstance(shape, Outline):
        return modules.head(width)
    if isinstance(shape, GraphTree):
        return graph.head(shown, shape, width)
    return timeline.head(shown, width)


def row_of(state: State, shape: Folding, at: int, width: int) -> Row:
    """The row `at` of a shape."""
    if isinstance(shape, Outline):
        return modules.row_of(state, shape, at, width)
    if isinstance(shape, GraphTree):
        return graph.row_of(state, shape, at, width)
    assert isinstance(shape, Order)
    return timeline.row_of(state, shape, at, width)


def node_of(shape: Folding, row: int) -> int:
    """The node that a row speaks of; of a heading, the first one that the pass comes to."""
    return shape.first_node(row) if isinstance(shape, Outline) else shape.node[row]
