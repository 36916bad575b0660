"""How a node is called: in a formula, in a list, in a sentence."""

from __future__ import annotations

from gradtui.wire.messages import Node


def symbol(node: Node) -> str:
    """In a formula: its name, or its number."""
    return node.name if node.name else f"#{node.id}"


def call(node: Node) -> str:
    """In a sentence: its name, or its op and number."""
    if node.name:
        return node.name
    return f"'{node.op}' (node {node.id})" if node.op else f"node {node.id}"


def op_and_name(node: Node) -> str:
    """In a sentence about what it does: `'tanh' (o)`, `'MulBackward0' (node 7)`."""
    return f"'{node.op}' ({node.name or f'node {node.id}'})"


def shortened(text: str, width: int) -> str:
    """A name in at most `width` characters. Of a path the end is kept: it tells more than the beginning."""
    if len(text) <= width:
        return text
    path = "." in text and " " not in text
    return "…" + text[len(text) - width + 1 :] if path and width > 1 else text[: width - 1] + "…"
