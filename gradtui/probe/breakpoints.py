"""Breakpoints inside the program: does one hold at this node, before it runs or after it has?

A test of a gradient holds where it begins. What a node sent is looked at when it has run, and holds
there unless the node received such a gradient already; what a node received is looked at before it
runs, and holds unless the node that sent it has been told of. So `norm>10` stops once on each path
down from the root, not at every node below.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from functools import partial
from types import CodeType
from typing import Any, TypeAlias

from gradtui.probe.expressions import raised
from gradtui.probe.spot import Spot
from gradtui.wire.messages import Breakpoint, Condition, Hit, Node, Value
from gradtui.wire.patterns import fits, fits_op
from gradtui.wire.values import is_finite, magnitude, statistic

Frames = Callable[[int], Iterable[tuple[str, int]]]
"""The files and lines of a stack."""
Models = Callable[[], Iterable[str]]
"""The variables of the models to which the nodes of a pass belong."""
Evaluate = Callable[[CodeType], Any]
"""Evaluates an expression where the program stands."""
Met: TypeAlias = tuple[int, Value]
"""A gradient that meets the tests, and the node that it came to."""
Span: TypeAlias = tuple[float, float]
"""The lowest and the highest norm of some, both among them."""
FINITE: Span = (0.0, sys.float_info.max)
"""Of gradients without NaN or Inf."""
NONE: Span = (math.inf, -math.inf)


class Armed:
    """One breakpoint and what it has seen."""

    def __init__(self, point: Breakpoint) -> None:
        self.point = point
        self.count = 0
        self.done = not point.enabled
        """Will it never hold again?"""
        self._told: set[int] = set()
        """Nodes of this pass that are sent a gradient of which the sender has told."""
        self._code = compile(point.expression, "<breakpoint>", "eval") if point.expression else None
        self._after = self._code is not None and "sent" in self._code.co_names
        self._on_line: dict[int, bool] = {}
        self._models: tuple[int, frozenset[str]] | None = None
        """Those of a pass, by its number."""
        self._text: CodeType | None = None
        if point.log:
            self._text = compile("f" + repr(point.log), "<tracepoint>", "eval")

    def renewed(self, point: Breakpoint) -> Armed:
        """The same with what it has counted, as the person wants it now."""
        armed = Armed(point)
        armed.count, armed._told = self.count, self._told
        return armed

    def begin_pass(self) -> None:
        """Another graph."""
        self._told = set()

    @property
    def looks_before(self) -> bool:
        """Must it be asked before nodes run? A mere test of gradients is as well asked when they have."""
        point = self.point
        return not self.done and (not point.tests or self._names_nodes or point.held or point.step > 0)

    @property
    def reads_all(self) -> bool:
        """Does it ask for statistics that are not read of large tensors while running?"""
        return not self.done and any(test.what in ("min", "max", "mean") for test in self.point.tests)

    def may_hold(
        self, number: int, ops: list[str], describe: Callable[[], list[Node]], frames: Frames
    ) -> bool:
        """As `Stops.may_hold`."""
        point = self.point
        if self.done or point.number not in (0, number) or point.step > len(ops):
            return False
        if point.op and not any(fits_op(op, point.op) for op in ops):
            return False
        if not (point.name or point.module or point.line):
            return True
        nodes = describe()
        return any(self._fits(node, frames, lambda: models_of(nodes)) for node in nodes)

    # ------------------------------------------------------------------ asking

    def before(self, spot: Spot, received: Sequence[Value | None]) -> Hit | None:
        """Does it hold as a node is about to run?"""
        point = self.point
        if self.done or not self._here(spot):
            return None
        if point.held:
            models = partial(self._models_at, spot)
            if spot.step or not any(self._fits(leaf, lambda _: (), models) for leaf in spot.holding()):
                return None
        elif (
            not self._names_nodes and not point.tests and self._code is None and not point.step and spot.step
        ):
            return None  # a pass alone: its start
        elif not self._matches(spot):
            return None
        met = self._first_of((spot.id, value) for value in received)
        if point.tests and (spot.id in self._told or met is None):
            return None
        return None if self._after else self._held(spot.evaluate, met)

    def after(
        self, spot: Spot, received: Sequence[Value | None], sent: Sequence[tuple[int, Value]], asked: bool
    ) -> Hit | None:
        """Does it hold now that a node has run, and not before, if it was asked then?"""
        point = self.point
        if self.done or not (point.tests or self._after) or not self._here(spot):
            return None
        if not self._matches(spot):
            return None
        met = None
        if point.tests:
            self._told.update(node for node, value in sent if self._passes(value))
            met = self._first_of((spot.id, value) for value in received)
            if met is not None:  # then it has held before, if that was asked
                if asked or spot.id in self._told:
                    return None
            else:
                met = self._first_of(sent)
                if met is None:
                    return None
        return self._held(spot.evaluate, met)

    @property
    def quiet(self) -> Span:
        """It does not hold after a step in which all gradients had such norms."""
        if self.done or not (self.point.tests or self._after):
            return FINITE
        spans = [_quiet(test) for test in self.point.tests]
        return next((span for span in spans if span is not None), NONE)

    def text(self, evaluate: Evaluate) -> str:
        """What a tracepoint says."""
        if self._text is None:
            return ""
        try:
            return str(evaluate(self._text))
        except BaseException as error:
            return f"{self.point.log} ({raised(error)})"

    # ----------------------------------------------------------------- deciding

    def _here(self, spot: Spot) -> bool:
        point = self.point
        return point.number in (0, spot.number) and point.step in (0, spot.step + 1)

    @property
    def _names_nodes(self) -> bool:
        point = self.point
        return bool(point.op or point.name or point.module or point.line)

    def _matches(self, spot: Spot) -> bool:
        return not self._names_nodes or self._fits(spot.node, spot.frames, partial(self._models_at, spot))

    def _models_at(self, spot: Spot) -> Iterable[str]:
        if self._models is None or self._models[0] != spot.number:
            self._models = spot.number, spot.models
        return self._models[1]

    def _fits(self, node: Node, frames: Frames, models: Models) -> bool:
        point = self.point
        if point.op and not fits_op(node.op, point.op):
            return False
        if point.name and not fits(node.name, point.name):
            return False
        if point.module and not _lies_in(node.module, point.module, models):
            return False
        return not point.line or self._made_on_line(node.stack, frames)

    def _made_on_line(self, stack: int | None, frames: Frames) -> bool:
        if stack is None:
            return False
        known = self._on_line.get(stack)
        if known is None:
            wanted = os.path.normpath(self.point.file)
            known = self._on_line[stack] = any(
                line == self.point.line and _ends(file, wanted) for file, line in frames(stack)
            )
        return known

    def _first_of(self, gradients: Iterable[tuple[int, Value | None]]) -> Met | None:
        """The first of some, each with the node that it came to, that meets all tests."""
        for node, value in gradients if self.point.tests else ():
            if value is not None and self._passes(value):
                return node, value
        return None

    def _passes(self, value: Value) -> bool:
        return all(holds(test, value) for test in self.point.tests)

    def _held(self, evaluate: Evaluate, met: Met | None) -> Hit | None:
        error = ""
        if self._code is not None:
            try:
                if not evaluate(self._code):
                    return None
            except BaseException as wrong:
                error, self.done = raised(wrong), True
        self.count += 1
        if self.count <= self.point.ignore and not error:
            return None
        self.done = self.done or self.point.once
        return Hit(self.point.id, self.count, self.point.text, error, *(met or ()))


def holds(test: Condition, value: Value) -> bool:
    """Is it so of this gradient?"""
    if test.what == "nonfinite":
        return not is_finite(value)
    if test.what == "zero":
        return magnitude(value) == 0
    amount = statistic(value, test.what)
    if amount is None:
        return False
    return amount > test.limit if test.sign == ">" else amount < test.limit


def _quiet(test: Condition) -> Span | None:
    """Where the test does not hold; None where norms do not tell."""
    match test.what, test.sign:
        case "nonfinite", _:
            return FINITE
        case "zero", _:
            return math.ulp(0.0), FINITE[1]
        case "norm", ">":
            return 0.0, min(test.limit, FINITE[1])
        case "norm", _:
            return test.limit, FINITE[1]
    return None


def _lies_in(module: str | None, pattern: str, models: Models) -> bool:
    """Is it such a module, or inside one? The variable of its model may stand in front: `model.conv2`."""
    if module is None:
        return False
    if fits(module, pattern) or fits(module, pattern + ".*"):
        return True
    model, _, inner = pattern.lower().partition(".")
    path = module.lower()
    if not inner or not (path == inner or fnmatchcase(path, inner) or fnmatchcase(path, inner + ".*")):
        return False
    return any(fnmatchcase(name.lower(), model) for name in models())


def models_of(nodes: Iterable[Node]) -> frozenset[str]:
    """`model`, where a parameter `model.fc1.weight` lies in the module `fc1`."""
    found = set()
    for node in nodes:
        if node.leaf and node.named and node.name and node.module:
            before, inside, _ = node.name.partition(f".{node.module}.")
            if inside:
                found.add(before)
    return frozenset(found)


def _ends(path: str, wanted: str) -> bool:
    return path == wanted or path.endswith(os.sep + wanted)
