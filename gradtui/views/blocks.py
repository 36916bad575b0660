"""Repeated blocks among the modules of a container: `h[0] .. h[11]`, all built alike.

Two modules are alike when their submodules have the same names and are alike, and their own
parameters have the same names and shapes; where there are no parameters, the same operations.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gradtui.wire.messages import Node, Summary

LEAST = 3
"""Repetitions that are told as such."""
PERIOD = 4
"""Modules that one repetition may consist of: `Linear, ReLU, Linear, ReLU, ...` repeats two."""
_NUMBERED = re.compile(r"(.*?)(\d+)")

Form = tuple[object, ...]


def form_of(nodes: Sequence[Node], children: Sequence[tuple[str, int, bool]]) -> tuple[Form, bool]:
    """What a module is built of, and whether there are parameters in it.

    `children`: the name of each submodule, the number of its form, whether it has parameters.
    """
    own = sorted([_parameter(node) for node in nodes if node.leaf])
    if own or any(has for _, _, has in children):
        return (*own, *sorted([(name, form) for name, form, _ in children])), True
    ops = sorted({node.op for node in nodes})
    return (*ops, *sorted([(name, form) for name, form, _ in children])), False


def _parameter(node: Node) -> tuple[str, str]:
    shape = node.value.shape if isinstance(node.value, Summary) else ()
    return (node.name or "").rpartition(".")[2], str(shape)


@dataclass(frozen=True)
class Run:
    """Neighbours that repeat: `start .. stop` of a container's submodules."""

    start: int
    stop: int
    period: int
    """How many of them are one repetition."""

    @property
    def times(self) -> int:
        """How often."""
        return (self.stop - self.start) // self.period


def runs_of(names: Sequence[str], forms: Sequence[int]) -> list[Run]:
    """The repetitions among neighbours, none overlapping; of several ways to see one, the longest."""
    numbers = [_numbered(name) for name in names]
    found: list[Run] = []
    at = 0
    while at + LEAST <= len(names):
        best = max((_from(at, period, numbers, forms) for period in range(1, PERIOD + 1)), key=_length)
        if best.times >= LEAST:
            found.append(best)
            at = best.stop
        else:
            at += 1
    return found


def _length(run: Run) -> int:
    return run.stop - run.start if run.times >= LEAST else 0


def _from(start: int, period: int, numbers: Sequence[tuple[str, int]], forms: Sequence[int]) -> Run:
    """The repetition of a period that begins here."""
    at = start + 1
    while at < len(forms) and _next_to(numbers[at - 1], numbers[at]):
        if at >= start + period and forms[at] != forms[at - period]:
            break
        at += 1
    return Run(start, at - (at - start) % period, period)


def _numbered(name: str) -> tuple[str, int]:
    match = _NUMBERED.fullmatch(name)
    return (match[1], int(match[2])) if match else (name, -1)


def _next_to(one: tuple[str, int], other: tuple[str, int]) -> bool:
    return one[1] >= 0 <= other[1] and one[0] == other[0] and abs(one[1] - other[1]) == 1


def number_of(name: str) -> int:
    """The number at the end of a name, -1 where there is none."""
    return _numbered(name)[1]


def range_of(first: str, last: str) -> str:
    """`[0..11]` for `11` and `0`, `layer1..4` for `layer4` and `layer1`."""
    (stem, a), (_, b) = _numbered(first), _numbered(last)
    low, high = min(a, b), max(a, b)
    return f"{stem}{low}..{high}" if stem else f"[{low}..{high}]"
