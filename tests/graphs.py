"""Random graphs: one recipe, built over any engine, so that engines can be held against each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Operation = Callable[[Any, Any], Any]

COMMON: dict[str, Operation] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / (b * b + 2.0),
    "**2": lambda a, b: a**2,
    "**3": lambda a, b: a**3 * 0.1,
    "neg": lambda a, b: -a,
    "relu": lambda a, b: a.relu(),
    "number+": lambda a, b: 1.5 + a,
    "number-": lambda a, b: 0.5 - a,
    "number*": lambda a, b: -0.75 * a,
    "number/": lambda a, b: 1.0 / (a * a + 1.0),
}
"""What micrograd, ours and torch all have."""
OURS: dict[str, Operation] = COMMON | {
    "tanh": lambda a, b: a.tanh(),
    "sigmoid": lambda a, b: a.sigmoid(),
    "exp": lambda a, b: (a * 0.1).tanh().exp(),
    "log": lambda a, b: (a * a + 1.0).log(),
    "pow": lambda a, b: (a.sigmoid() + 0.5) ** b.tanh(),
}
"""What ours and torch have."""

LARGE = 1e6


@dataclass(frozen=True)
class Recipe:
    """Leaves, and operations on what is there by then (indices count back from the newest)."""

    leaves: tuple[float, ...]
    operations: tuple[tuple[str, int, int], ...]

    def build(self, make: Callable[[float], Any], table: dict[str, Operation]) -> tuple[list[Any], Any]:
        """The leaves and the root, over an engine. Every result is used: what nobody used is added up."""
        made = [make(x) for x in self.leaves]
        unused = set(range(len(made)))
        for name, i, j in self.operations:
            i, j = i % len(made), j % len(made)
            made.append(table[name](made[i], made[j]) * 0.5)
            unused -= {i, j}
            unused.add(len(made) - 1)
        root = made[-1]
        for i in sorted(unused - {len(made) - 1}):
            root = root + made[i]
        return made[: len(self.leaves)], root


def recipes(table: Sequence[str], longest: int = 14) -> st.SearchStrategy[Recipe]:
    """Graphs with shared parts, dead ends and repeated operands."""
    number = st.floats(-2.0, 2.0, allow_nan=False).map(lambda x: round(x, 3))
    operation = st.tuples(st.sampled_from(sorted(table)), st.integers(0, 40), st.integers(0, 40))
    return st.builds(
        Recipe,
        st.lists(number, min_size=1, max_size=4).map(tuple),
        st.lists(operation, min_size=1, max_size=longest).map(tuple),
    )
