"""How many rows each pane has use for: known once for a pass, from its graph, and never of a step."""

from __future__ import annotations

from gradtui.trace import Pass
from gradtui.views.tree import NEAR, GraphTree

LOOKED_AT = 2_000
"""Nodes and rows of a large graph that are looked at."""
BORDER = 2


def rows_wanted(shown: Pass, tree: GraphTree, leaves: int) -> dict[str, int]:
    """Rows by pane, borders included, for any step of the pass."""
    nodes = [shown.nodes[tree.node[at]] for at in range(min(len(tree), LOOKED_AT))]
    most = max((sum(i is not None for i in node.inputs) for node in nodes), default=0)
    senders = max(
        (sum(2 + len(shown.users.get(i, ())) for i in {*node.inputs} if i is not None) for node in nodes),
        default=0,
    )
    saved = 5 if shown.engine == "torch" else 0
    return {
        "graph": len(tree) + 1 + BORDER,
        "step": 3 + 2 * min(most, 6) + 6 + BORDER,  # its head, two rows a term, what may be remarked
        "ledger": max(3, min(senders, 24)) + BORDER,
        "leaves": leaves + 1 + BORDER,
        "torch": 5 + _depth(tree) + min(most, 6) + saved + BORDER,
    }


def _depth(tree: GraphTree) -> int:
    """Nodes of the longest path that the torch pane tells."""
    depth: list[int] = []
    for at in range(min(len(tree), LOOKED_AT)):
        above = tree.parent[at]
        depth.append(1 if above < 0 else depth[above] + 1)
    return min(NEAR, max(depth, default=1))
