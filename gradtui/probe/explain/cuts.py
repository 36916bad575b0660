"""Where values left the graph: `detach`, `no_grad`, `.data`, an integer cast, `.item()`, numpy.

A *cut* is an operation on a tensor that requires a gradient whose result requires none. What is made
from such a result without a gradient comes from the same cut. Tensors are known by weak references; a
bounded number is remembered.
"""

from __future__ import annotations

import weakref
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch

from gradtui.probe.pytorch.graph import walk
from gradtui.probe.pytorch.private import grad_fn_of, is_leaf, is_tensor, leaf_of
from gradtui.probe.weak import Reference

KEPT = 8_192
"""Results of cuts remembered; of older ones half are forgotten at once."""
RECENT = 256
"""Cuts remembered beyond their results."""
NEAR = 64
"""Nodes that are looked at for the leaves that a cut tensor was made from."""
LOOKED = 2_000
"""So many of graphs that no pass has made safe."""


@dataclass(slots=True, eq=False)
class Cut:
    """The graph ended here."""

    how: str
    """In words: `.detach()`."""
    stack: int
    """Where the first result without a gradient was made."""
    sequence: int
    """The next sequence number then: what was cut off has lower ones."""
    region: int | None = None
    """The stack that turned gradients off, where that was the reason."""
    of: list[weakref.ref[Any]] = field(default_factory=list)
    """What was cut off: operands with a gradient, of all that was made without."""
    leaves: bool = False
    """Do the values leave torch (`.item()`)?"""
    direct: bool = False
    """Did they do so right there?"""
    near: set[int] = field(default_factory=set)
    """Leaves, by `id()`, that were found on a short look at what the operands were made from."""
    whole: bool = True
    """Was all of that looked at?"""
    used: int | None = None
    """The sequence number of the first operation with a gradient that used the result."""
    last: int | None = None
    """Of the last one."""
    into: Cut | None = None
    """The other one that its result was first put together with (`q @ k.T`): what is made from both counts as
    made from that."""

    def is_used(self, numbers: Collection[int]) -> bool:
        """Did one of the nodes of these numbers use the result, as far as that is remembered?"""
        cut: Cut | None = self
        while cut is not None:
            if cut.used in numbers or cut.last in numbers:
                return True
            cut = cut.into
        return False

    def join(self, other: Cut) -> None:
        """The results of both were put together."""
        last = self
        while last.into is not None:
            last = last.into
        if other is not self and other.into is None and last is not other:
            other.into = self


class Cuts:
    """The last cuts, and what came of them."""

    def __init__(self) -> None:
        self._results: dict[int, tuple[weakref.ref[Any], Cut]] = {}
        self.recent: dict[Cut, None] = {}
        """Oldest first."""
        self._looked = 0
        self.left: Cut | None = None
        """The last time that values which had, or had had, a graph left torch altogether."""

    def of(self, tensor: Any) -> Cut | None:
        """The cut that a tensor comes from."""
        known = self._results.get(id(tensor))
        return known[1] if known is not None and known[0]() is tensor else None

    def origin(self, tensors: Iterator[Any]) -> Cut | None:
        """The cut that one of these comes from: the first, joined by those of the others."""
        results, found = self._results, None
        if results:
            for tensor in tensors:
                known = results.get(id(tensor))
                if known is not None and known[0]() is tensor:
                    if found is None:
                        found = known[1]
                    else:
                        found.join(known[1])
        return found

    def use(self, arguments: Any, sequence: int) -> None:
        """An operation with a gradient was made from these; it has that number."""
        results = self._results
        if results:
            for tensor in tensors_of(arguments):
                known = results.get(id(tensor))
                if known is not None and known[0]() is tensor:
                    cut = known[1]
                    cut.last = sequence
                    if cut.used is None:
                        cut.used = sequence

    def look(self, cut: Cut, operands: list[torch.Tensor]) -> None:
        """Note from which leaves these were made, as far as a short look tells."""
        cut.near.update(id(operand) for operand in operands if is_leaf(operand))
        inner = [operand for operand in operands if not is_leaf(operand)]
        if self._looked + NEAR > LOOKED:  # to look at all nodes of a deep graph would be a danger
            cut.whole = cut.whole and not inner
            return
        seen = {id(node): node for node in map(grad_fn_of, inner) if node is not None}
        waiting = list(seen.values())
        while waiting and len(seen) < NEAR:
            node: Any = waiting.pop(0)
            for function, _ in node.next_functions:
                if function is not None and id(function) not in seen:
                    leaf = leaf_of(function)
                    seen[id(function)] = function
                    if leaf is None:
                        waiting.append(function)
                    else:
                        cut.near.add(id(leaf))
        self._looked += len(seen)
        cut.whole = cut.whole and not waiting

    def add(self, cut: Cut) -> Cut:
        """The graph was cut."""
        self.recent[cut] = None
        if len(self.recent) > RECENT:
            del self.recent[next(iter(self.recent))]
        return cut

    def came(self, result: torch.Tensor, cut: Cut) -> None:
        """A result comes from a cut."""
        self._results[id(result)] = (Reference(result), cut)
        if len(self._results) > KEPT:
            self._results = dict(islice(self._results.items(), KEPT // 2, None))

    def forget_left(self, nodes: int) -> None:
        """A pass over so many nodes has ended: what left torch before it does not matter to the next one."""
        self.left = None
        self._looked = max(0, self._looked - nodes)


def made_from(cut: Cut, leaf: torch.Tensor) -> bool | None:
    """Was what was cut off made from this leaf? None where that is not known any more."""
    if id(leaf) in cut.near or cut.whole:
        return id(leaf) in cut.near
    operands = [reference() for reference in cut.of]
    nodes = [
        node for operand in operands if operand is not None and (node := grad_fn_of(operand)) is not None
    ]
    below = list(islice(walk(nodes), LOOKED + 1))
    if any(leaf_of(node) is leaf for node in below):
        return True
    return None if None in operands or len(below) > LOOKED else False


def tensors_of(arguments: Any) -> Iterator[torch.Tensor]:
    """The tensors among arguments, also those in lists."""
    for argument in arguments:
        if is_tensor(argument):
            yield argument
        elif type(argument) in (list, tuple):
            for part in argument:
                if is_tensor(part):
                    yield part
