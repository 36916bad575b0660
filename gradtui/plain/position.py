"""Where the person looks: the state, replaced with each move; and nodes by what people call them."""

from __future__ import annotations

from dataclasses import replace

from gradtui.trace import query
from gradtui.trace.cursor import NOWHERE, Cursor
from gradtui.views.gone import why
from gradtui.views.state import State
from gradtui.views.tree import GraphTree
from gradtui.wire.messages import Node, Stopped

NAMED = 5
"""Nodes that an ambiguous name is answered with."""


class Refused(Exception):
    """A command that cannot be done; its text says why and what can be done instead."""


class Position:
    """The cursor and the selected node over a trace."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._tree: tuple[int, GraphTree] | None = None

    def stand(self, stopped: Stopped | None) -> None:
        """Take note of the stop that the program stands at."""
        self.state = replace(self.state, stopped=stopped)

    def move_to(self, at: Cursor) -> None:
        """Put the cursor there and select the node of that step, or the one that runs next."""
        self.state = replace(self.state, cursor=at, selected=None)
        here = self.state.node_here
        if here is not None:
            self.select(here)

    def move_to_start(self) -> None:
        """To the start of the first pass, or nowhere where there is none."""
        passes = self.state.trace.passes
        self.move_to(Cursor(passes[0].number, 0) if passes else NOWHERE)

    def select(self, node: int) -> None:
        """Select a node; the cursor stays."""
        self.state = replace(self.state, selected=node, path=())

    @property
    def tree(self) -> GraphTree:
        """The graph of the shown pass as rows, made when it is first asked for."""
        shown = self.state.shown_pass
        if shown is None:
            raise Refused(why(self.state))
        if self._tree is None or self._tree[0] != shown.number:
            self._tree = shown.number, GraphTree(shown)
        return self._tree[1]

    def about(self, node: Node) -> State:
        """The state with this node selected, and the way to it from the root."""
        row = self.tree.first_row.get(node.id)
        path = (node.id,) if row is None else self.tree.path(row)
        return replace(self.state, selected=node.id, path=path)

    def node(self, text: str) -> Node:
        """The node that a text means: its number (7 or #7), its name, its op, or a part of these.

        No text means the selected node. Raises `Refused` where none or several are meant.
        """
        shown = self.state.shown_pass
        if shown is None:
            raise Refused(why(self.state))
        if not text:
            node = self.state.selected_node
            if node is None:
                raise Refused("no node is selected")
            return node
        number = text.removeprefix("#")
        if number.isdecimal():
            if int(number) not in shown.nodes:
                raise Refused(f"pass {shown.number} has no node {number}; it has {len(shown.nodes)} nodes")
            return shown.nodes[int(number)]
        nodes = shown.nodes.values()
        for found in (
            [node for node in nodes if node.name == text],
            [node for node in nodes if node.op == text],
            list(query.matching(self.state.trace, shown, text)),
        ):
            if len(found) == 1:
                return found[0]
            if found:
                raise Refused(_several(text, found))
        raise Refused(f"no node of pass {shown.number} is called '{text}'; `graph` lists them")


def _several(text: str, found: list[Node]) -> str:
    listed = ", ".join(f"node {node.id} ({node.name or node.op or 'leaf'})" for node in found[:NAMED])
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return f"'{text}' may be {listed}{more}: give the number"
