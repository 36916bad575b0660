"""What is left where one goes over or out of a module, and where that leads, in a few words."""

from __future__ import annotations

from gradtui.trace.cursor import Cursor
from gradtui.trace.names import call, shortened
from gradtui.views.state import State
from gradtui.wire.messages import Node

PATH = 40
"""Characters of a module's path."""


def forwards(state: State, out: bool) -> str:
    """Past the module of the node that runs next (`out`: out of the one around it); '' where none does."""
    node = _node(state, state.next_node)
    if node is None:
        return ""
    return _words("Out of" if out else "Past", "The end of the pass", node, out)


def backwards(state: State, out: bool) -> str:
    """Before the module of the node that ran last (`out`: the one around it); '' where none did."""
    return "" if state.step is None else _words("Before", "The start of the pass", state.step.node, out)


def up_to(state: State, number: int) -> str:
    """To where a node is about to run."""
    node = _node(state, number)
    return "" if node is None else f"Before {call(node)}"


def arrived(words: str, at: Cursor) -> str:
    """`Past encoder.layers.6.linear2: 4:402`."""
    return f"{words}: {at.number}:{at.step}"


def _node(state: State, number: int | None) -> Node | None:
    shown = state.shown_pass
    return None if shown is None or number is None else shown.nodes.get(number)


def _words(way: str, otherwise: str, node: Node, out: bool) -> str:
    module = node.module or ""
    left = module.rpartition(".")[0] if out else module
    if out and not left:
        return otherwise
    return f"{way} {shortened(left, PATH) if left else 'what lies outside of all modules'}"
