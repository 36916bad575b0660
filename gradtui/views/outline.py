"""The graph of a pass by module: modules, repeated blocks and nodes as rows that fold.

Each module stands below the one that holds it, in the order in which the pass comes to them; at
first as many levels are unfolded as fit a page. Blocks that are built alike stand below one row.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias

from gradtui.trace import Pass
from gradtui.views.blocks import LEAST, Form, form_of, number_of, range_of, runs_of
from gradtui.views.fold import Folding
from gradtui.views.order import expected_order
from gradtui.views.repeats import repeats_of
from gradtui.views.totals import Totals
from gradtui.wire.messages import Node

PAGE = 14
"""Rows that the outline has at first, more only where the first level alone has more."""
OUTSIDE = "outside modules"


@dataclass(frozen=True, slots=True)
class Heading:
    """A row that stands for several nodes."""

    key: str
    """The module's path, with the range of blocks behind it: the same in every pass. '' for the model."""
    label: str
    times: int = 0
    """How many repetitions of a block stand below it; 0 where it is no group of blocks."""
    period: int = 1
    """Modules that one repetition consists of."""
    first: str = ""
    """The path of the first block, or of the model."""
    falls: bool = False
    """Do the blocks stand below it from the highest number to the lowest?"""
    repeats: bool = False
    """Are they no modules but repetitions of what one module does?"""


class _Module:
    """A module while the rows are made."""

    __slots__ = ("form", "inner", "items", "name", "parameters", "path", "repeat")

    def __init__(self, path: str, repeat: bool = False) -> None:
        self.path = path
        self.repeat = repeat
        """Is it one of several repetitions of what a module does?"""
        self.name = path.rpartition(".")[2]
        self.items: list[int | _Module] = []
        """Its nodes and the modules in it, in the order of the pass."""
        self.inner = 0
        """How many of them are modules."""
        self.form = 0
        self.parameters = False


class Outline(Folding):
    """The rows; `opened` tells of keys whether the person has unfolded them or folded them."""

    def __init__(self, shown: Pass, opened: Mapping[str, bool] | None = None) -> None:
        super().__init__()
        self.headings: dict[int, Heading] = {}
        """By row: those that stand for several nodes."""
        self.depth = array("i")
        self._build(_modules(shown))
        self._close()
        self._nodes = array("i", accumulate([number > 0 for number in self.node], initial=0))
        """Before each row, how many rows are nodes."""
        self._fold(opened or {})
        self.totals = Totals(shown, self)

    # ------------------------------------------------------------------ making

    def _build(self, top: list[tuple[_Module, str]]) -> None:
        """The rows in pre-order: from each list of siblings on until one has rows below it."""
        first: list[_Item] = [module for module, _ in top]
        labels = {id(module): label for module, label in top}
        stack: list[tuple[Iterator[_Item], str, int]] = [(iter(first), "", -1)]
        while stack:
            siblings, within, parent = stack[-1]
            depth = len(stack) - 1
            for item in siblings:
                row = len(self.node)
                self.parent.append(parent)
                self.depth.append(depth)
                if isinstance(item, int):
                    self.node.append(item)
                    self.first_row[item] = row
                    continue
                self.node.append(0)
                label = labels.get(id(item)) or _label(item, within)
                below, container = self._head(row, item, label)
                stack.append((iter(below), container, row))
                break
            else:
                stack.pop()

    def _head(self, row: int, item: _Module | _Group, label: str) -> tuple[list[_Item], str]:
        """Make the heading of a row; returns what stands below it and what holds that."""
        if isinstance(item, _Group):
            self.headings[row] = item.heading(label)
            return [*item.members], item.container
        below = _grouped(item, label)
        only = below[0] if len(below) == 1 else None
        if isinstance(only, _Group) and only.whole:
            self.headings[row] = only.heading(label + (f" × {only.times}" if only.repeats else only.range))
            return [*only.members], label
        self.headings[row] = Heading(item.path, label, first="" if item.path else label)
        return below, label

    def _fold(self, opened: Mapping[str, bool]) -> None:
        """Unfold level by level as long as it fits a page, and what the person has unfolded."""
        unfolded = set()
        level = [row for row in self.headings if self.parent[row] < 0]
        shown = len(level)
        while level:
            below: list[int] = []
            for row in level:
                inner = [r for r in self.children(row) if r in self.headings]
                if inner and self._opens(row, len(level), shown):
                    shown += self._children[row]
                    unfolded.add(row)
                    below += inner
            level = below
        for row, heading in self.headings.items():
            self.collapsed[row] = not opened.get(heading.key, row in unfolded)
        self.visible = self._shown_between(0, len(self.node))

    def _opens(self, row: int, level: int, shown: int) -> bool:
        if self.headings[row].times:
            return False
        return shown + self._children[row] <= PAGE or (self.depth[row] == 0 and level <= 2)

    # ----------------------------------------------------------------- reading

    def children(self, row: int) -> list[int]:
        """The rows directly below a row."""
        found, at = [], row + 1
        while at < self.end[row]:
            found.append(at)
            at = self.end[at]
        return found

    def nodes_in(self, row: int) -> int:
        """How many nodes a row stands for."""
        return self._nodes[self.end[row]] - self._nodes[row]

    def first_node(self, row: int) -> int:
        """The node of a row; of a heading, the first that the pass comes to."""
        at = bisect_right(self._nodes, self._nodes[row]) - 1
        return self.node[at] if at < len(self.node) else 0

    def member_with(self, row: int, other: int) -> int:
        """The row directly below `row` that holds the row `other`, which stands somewhere below it."""
        while other > row and self.parent[other] != row:
            other = self.parent[other]
        return other


# -------------------------------------------------------------------- repeated blocks


@dataclass(frozen=True, slots=True)
class _Group:
    """Blocks that are built alike."""

    members: list[_Module]
    times: int
    period: int
    path: str
    """Of the module that holds them."""
    container: str
    """What that is called."""
    whole: bool
    """Is there nothing else in it, and are they numbered only?"""

    @property
    def repeats(self) -> bool:
        return self.members[0].repeat

    @property
    def range(self) -> str:
        return range_of(self.members[0].name, self.members[-1].name)

    def heading(self, label: str) -> Heading:
        numbers = [number_of(member.name) for member in self.members]
        key, first = f"{self.path}{self.range}", self.path if self.repeats else self.members[0].path
        return Heading(key, label, self.times, self.period, first, numbers[0] > numbers[-1], self.repeats)


_Item: TypeAlias = int | _Module | _Group
"""What has a row: a node, a module, a group of them."""


def _grouped(module: _Module, label: str) -> list[_Item]:
    """What stands below a module, neighbours that repeat put together."""
    below: list[_Item] = [*module.items]
    if module.inner < LEAST:
        return below
    places = [at for at, item in enumerate(below) if isinstance(item, _Module)]
    for start, stop in reversed(_neighbours(places)):
        modules = [item for item in below[start:stop] if isinstance(item, _Module)]
        for run in reversed(runs_of([m.name for m in modules], [m.form for m in modules])):
            members = modules[run.start : run.stop]
            whole = len(members) == len(module.items) and members[0].name.isdigit()
            group = _Group(members, run.times, run.period, module.path, label, whole)
            below[start + run.start : start + run.stop] = [group]
    return below


def _neighbours(places: list[int]) -> list[tuple[int, int]]:
    """Places beside one another, as ranges."""
    ranges: list[tuple[int, int]] = []
    for at in places:
        if ranges and ranges[-1][1] == at:
            ranges[-1] = (ranges[-1][0], at + 1)
        else:
            ranges.append((at, at + 1))
    return ranges


def _label(item: _Module | _Group, container: str) -> str:
    """`attn`, `h[3]`, `h[4..11]`, `repeat 3`."""
    if isinstance(item, _Group):
        return container + item.range if item.range.startswith("[") else item.range
    if item.repeat:
        return f"repeat {item.name}"
    return f"{container}[{item.name}]" if item.name.isdigit() and container else item.name


# ---------------------------------------------------------------------------- modules


def _modules(shown: Pass) -> list[tuple[_Module, str]]:
    """What stands at the top, each with its label."""
    root, outside = _Module(""), _Module(OUTSIDE)
    name = _model_name(shown)
    known: dict[str, _Module] = {"": root, name: root}
    made: list[_Module] = []
    first: _Module | None = None
    nodes = shown.nodes
    for number in expected_order(shown):
        path = nodes[number].module
        module = outside if not path else known.get(path) or _made(path, known, made)
        first = first or module
        module.items.append(number)
    _compare(nodes, made)
    for module in made:
        _split(nodes, module)
    top = [(m, m.name) for m in root.items if isinstance(m, _Module)]
    top = [(root, name)] if name and root.items else top
    if outside.items:
        top.insert(0 if first is outside else len(top), (outside, OUTSIDE))
    return top


def _made(path: str, known: dict[str, _Module], made: list[_Module]) -> _Module:
    """A module that is met for the first time, and those that hold it."""
    missing = []
    while path not in known:
        missing.append(path)
        path = path.rpartition(".")[0]
    module = known[path]
    for path in reversed(missing):
        inner = known[path] = _Module(path)
        module.items.append(inner)
        module.inner += 1
        made.append(inner)
        module = inner
    return module


def _compare(nodes: Mapping[int, Node], made: list[_Module]) -> None:
    """Give modules that are built alike the same number."""
    forms: dict[Form, int] = {}
    for module in reversed(made):  # a module was made before those in it
        own = [nodes[item] for item in module.items if isinstance(item, int)]
        inner = (
            [(m.name, m.form, m.parameters) for m in module.items if isinstance(m, _Module)]
            if module.inner
            else []
        )
        form, module.parameters = form_of(own, inner)
        module.form = forms.setdefault(form, len(forms))


def _split(nodes: Mapping[int, Node], module: _Module) -> None:
    """Give a module that holds nothing but nodes a row for each repetition among them, the last one first.

    A leaf stands with the repetition that the pass comes to it from.
    """
    numbers = [item for item in module.items if isinstance(item, int)]
    if module.inner or len(numbers) <= PAGE:
        return
    starts = {*repeats_of([nodes[number].op for number in numbers if not nodes[number].leaf])}
    repeats: list[int | _Module] = []
    inner, at = module, 0
    for number in numbers:
        if not nodes[number].leaf:
            if at in starts:
                inner = _Module(f"{module.path}[{len(starts) - len(repeats)}]", True)
                inner.name = str(len(starts) - len(repeats))
                inner.form = 0
                repeats.append(inner)
            at += 1
        elif inner is module and starts:
            return  # it comes before any repetition
        if inner is not module:
            inner.items.append(number)
    if repeats:
        module.items, module.inner = repeats, len(repeats)


def _model_name(shown: Pass) -> str:
    """`model`, where all parameters are named from it: `model.fc1.weight` in the module `fc1`, its own
    `model.scale` in the module `model`."""
    names, own = set(), set()
    for node in shown.nodes.values():
        if node.leaf and node.named and node.name and node.module:
            before, found, _ = node.name.partition(f"{node.module}.")
            if found and before:
                names.add(before)
            elif found:
                own.add(node.module + ".")
    name = names.pop() if len(names) == 1 else ""
    return name.rstrip(".") if name.endswith(".") and own <= {name} else ""
