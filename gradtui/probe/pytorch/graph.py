"""The graph of one pass as torch holds it: its nodes, its edges, and which node may run next."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Any

from gradtui.probe.pytorch.private import leaf_of


def walk(roots: list[Any], seen: set[int] | None = None) -> Iterator[Any]:
    """Every node below the roots, roots first. No recursion: graphs are deep.

    `seen`: nodes, by `id()`, that are left out; those that are walked join them. The caller keeps them alive.
    """
    seen = set() if seen is None else seen
    stack = [root for root in reversed(roots) if id(root) not in seen]
    seen.update(map(id, stack))
    while stack:
        node = stack.pop()
        yield node
        for function, _ in reversed(node.next_functions):
            if function is not None and id(function) not in seen:
                seen.add(id(function))
                stack.append(function)


class Graph:
    """Nodes and our ids of them. Keeps the nodes alive: torch would make new wrappers of them."""

    def __init__(self, nodes: list[Any], ops: list[str], ids: list[int], roots: list[Any]) -> None:
        self.nodes = nodes
        self.ops = ops
        """What the nodes do, as torch calls it."""
        self.ids = ids
        self.leaves = [leaf_of(node) for node in nodes]
        """The leaf that each one accumulates into, None where it does not."""
        by_node = {id(node): number for node, number in zip(nodes, ids)}
        self.roots = [self.at[by_node[id(root)]] for root in roots]
        """By index."""
        edges = [node.next_functions for node in nodes]  # each time made anew
        self.inputs: list[tuple[int | None, ...]] = [
            tuple([None if f is None else by_node[id(f)] for f, _ in leaving]) for leaving in edges
        ]
        """Ids of the nodes that each one sends to."""
        self.outputs: list[tuple[int, ...]] = [_outputs(leaving) for leaving in edges]
        """Which output of its input each edge leads to; empty where each is the first."""

    @cached_property
    def at(self) -> dict[int, int]:
        """The index of each node, by its id."""
        return {number: i for i, number in enumerate(self.ids)}

    @property
    def sequence_numbers(self) -> list[int]:
        """As the forward gave them out."""
        return [node._sequence_nr() for node in self.nodes]

    def next(self, ran: Collection[int], alone: bool = False) -> int | None:
        """By index: of the nodes that are ready once those of `ran` have run, the one torch takes first.

        `alone`: None where several come first, as leaves do.
        """
        done = set(ran)
        ready = [i for i, users in enumerate(self._users) if i not in done and users <= done]
        ranks = [self.nodes[i]._sequence_nr() for i in ready]
        if not ready or (alone and ranks.count(max(ranks)) > 1):
            return None
        return ready[ranks.index(max(ranks))]

    @cached_property
    def _users(self) -> list[set[int]]:
        """For each node, those that send to it."""
        users: list[set[int]] = [set() for _ in self.nodes]
        for i, inputs in enumerate(self.inputs):
            for target in inputs:
                if target is not None:
                    users[self.at[target]].add(i)
        return users


def _outputs(leaving: tuple[tuple[Any, int], ...]) -> tuple[int, ...]:
    outputs = tuple([output for _, output in leaving])
    return outputs if any(outputs) else ()
