"""A picture as DOT, the language of Graphviz: https://graphviz.org/doc/info/lang.html.

The look is micrograd's `draw_dot`: records for values, ellipses for operations, left to right.
"""

from __future__ import annotations

from collections.abc import Mapping

from gradtui.export.colours import ACCENT, ERROR, LEAF, MARKED, PALE, PAPER, SOFT, TEXT
from gradtui.export.facts import Card, Link, Operation, Picture, State

_LOOK: dict[State, dict[str, str]] = {
    "waiting": {"color": PALE, "fontcolor": PALE, "style": "filled,dashed"},
    "done": {"color": SOFT, "style": "filled"},
    "now": {"color": ACCENT, "style": "filled", "fillcolor": MARKED, "penwidth": "2.5"},
}
_EDGE: dict[State, dict[str, str]] = {
    "waiting": {"color": PALE, "style": "dashed"},
    "done": {"color": SOFT, "fontcolor": SOFT},
    "now": {"color": ACCENT, "fontcolor": ACCENT, "penwidth": "2"},
}

_GRAPH = {
    "rankdir": "LR", "charset": "UTF-8", "fontname": "monospace", "fontsize": "12", "fontcolor": TEXT,
    "bgcolor": PAPER, "labelloc": "t",
}  # fmt: skip
_NODE = {"fontname": "monospace", "fontsize": "11", "fontcolor": TEXT, "fillcolor": PAPER}
_LINK = {"fontname": "monospace", "fontsize": "9", "arrowsize": "0.7"}


def dot(picture: Picture) -> str:
    """The picture as the text of a DOT file."""
    lines = [
        "digraph backward {",
        f"  graph {_attributes({**_GRAPH, 'label': escaped(f'{picture.caption} · {picture.remark}')})};",
        f"  node {_attributes(_NODE)};",
        f"  edge {_attributes(_LINK)};",
        *(f"  {card.key} {_attributes(_card(card))};" for card in picture.cards),
        *(f"  {operation.key} {_attributes(_operation(operation))};" for operation in picture.operations),
        *(f"  {link.source} -> {link.target}{_edge(link)};" for link in picture.links),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _card(card: Card) -> dict[str, str]:
    mark = "▶ " if card.state == "now" else ""
    fields = [mark + card.title, card.subtitle, *(f"{label} {text}" for label, text in card.cells)]
    if card.fault:
        fields.append(f"⚠ {card.fault}")
    label = " | ".join(in_record(field) for field in fields if field)
    look = dict(_LOOK[card.state])
    if card.leaf:
        look["style"] += ",rounded"
        look.setdefault("fillcolor", LEAF)
    if card.fault:
        look["fontcolor"] = ERROR
    return {"shape": "Mrecord" if card.leaf else "record", "label": f"{{ {label} }}", **look}


def _operation(operation: Operation) -> dict[str, str]:
    return {"shape": "ellipse", "label": escaped(operation.text), **_LOOK[operation.state]}


def _edge(link: Link) -> str:
    look = dict(_EDGE[link.state])
    if link.text:
        look["label"] = escaped(link.text)
    if link.fault:
        look |= {"color": ERROR, "fontcolor": ERROR}
    if link.stray:
        look |= {"style": "dotted", "constraint": "false"}
    return " " + _attributes(look)


def _attributes(pairs: Mapping[str, str]) -> str:
    return "[" + ", ".join(f'{name}="{value}"' for name, value in pairs.items()) + "]"


def escaped(text: str) -> str:
    """A text for a quoted string that is a label: backslashes, quotes and `&` (entities) stay as they are."""
    return text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')


def in_record(text: str) -> str:
    """A text for one field of a record, where brackets, bars and repeated spaces mean something."""
    return "".join("\\" + char if char in "{}|<>" else char for char in escaped(text)).replace("  ", "\\ \\ ")
