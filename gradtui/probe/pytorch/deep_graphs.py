"""Deep graphs, made safe to let go once we have looked at them.

Torch frees a graph without recursion, but for nodes that Python has seen: each of those is freed inside the
one above it, and some ten thousand in a chain overflow the stack (torch 2.13.0; a mere walk along
`next_functions` does it). So a deep graph is cut in bands, by the longest way from a root, and what lies just
below a band is held from within the band: it is freed when the recursion through the band has returned.
Nothing lives longer for it, as each node is held by one that leads to it anyway. The place is `metadata`, a
dict that every node has for such purposes.
"""

from __future__ import annotations

from typing import Any

from gradtui.probe.pytorch.graph import Graph

BAND = 1_000
"""Nodes, one below the other, that are freed inside each other."""
DEEP = 6_000
"""Nodes that Python may see without a danger, whatever their order: some megabyte of stack."""
KEY = "gradtui"
"""In `metadata`."""


def make_safe(graph: Graph) -> None:
    """Have a graph of any depth freed without an overflow, whoever of the program's holds whichever part."""
    if len(graph.nodes) <= DEEP:
        return
    edges = _edges(graph)
    depth, head = _bands(edges, sorted(edges, key=lambda i: -graph.nodes[i]._sequence_nr()))
    held: dict[int, list[Any]] = {}
    for i, targets in edges.items():
        for target in targets:
            if depth[target] // BAND > depth[i] // BAND:
                held.setdefault(head[i], []).append(graph.nodes[target])
    for i, below in held.items():
        graph.nodes[i].metadata[KEY] = below


def _edges(graph: Graph) -> dict[int, list[int]]:
    """By index, the nodes that have some below them, and which of those have some in turn."""
    at = graph.at
    inner = {i: inputs for i, inputs in enumerate(graph.inputs) if any(t is not None for t in inputs)}
    return {i: [at[t] for t in inputs if t is not None and at[t] in inner] for i, inputs in inner.items()}


def _bands(edges: dict[int, list[int]], order: list[int]) -> tuple[dict[int, int], dict[int, int]]:
    """The depth of each node, and the node by which the longest way to it enters its band.

    `order`: users first. What is out of order (nodes of several threads) is given less depth than it has.
    """
    depth, head = dict.fromkeys(order, 0), {i: i for i in order}
    for i in order:
        below = depth[i] + 1
        enters = below % BAND == 0
        for target in edges[i]:
            if depth[target] < below:
                depth[target] = below
                head[target] = target if enters else head[i]
    return depth, head
