"""Steps of an optimizer that find no gradient, because it was cleared between backward and step.

Told at the program's end, where every step of an optimizer was like that; a notice says it earlier. Costs a
look at the first gradient of an optimizer after its first step; only where that is missing or zero are its
next steps looked at as they begin, and the places where gradients are cleared.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import torch

from gradtui.probe.explain.deeds import Deeds
from gradtui.probe.pytorch.leaves import parameters_of
from gradtui.probe.pytorch.private import before_optimizer_step, being_compiled, readable, untouched
from gradtui.probe.reporter import Reporter
from gradtui.wire.messages import Explained, Part

FEW = 2
"""Steps of which it must be known by the program's end that they were empty."""
MANY = 20
"""After so many a notice says it."""
_ZEROES = ("zero_", "_foreach_zero_")


@dataclass
class _Suspect:
    """An optimizer none of whose steps has had a gradient."""

    optimizer: weakref.ref[Any]
    kind: str
    step: int
    """The stack of the step."""
    versions: dict[int, int]
    """Of the gradients that are there, by `id()` of the leaf."""
    empty: int = 0
    """Steps of which it is known that a gradient was cleared before them."""
    last: int = 0
    """The pass before the last of these."""
    cleared: int = 0
    """The stack that cleared it."""

    @property
    def message(self) -> tuple[Part, ...]:
        return (
            f"{self.kind} steps at ",
            self.step,
            f" and has found no gradient at any step so far: those of pass {self.last} were cleared at ",
            self.cleared,
            ", between backward and the step. Clear them after the step, or before backward",
        )


@dataclass
class _Cleared:
    """What was cleared since a pass ended."""

    number: int = -1
    stacks: dict[int, int] = field(default_factory=dict)
    """By `id()` of the leaf."""


class EmptySteps:
    """One for a run. `reached`: has a leaf been in a pass?"""

    def __init__(self, reporter: Reporter, deeds: Deeds, reached: Callable[[Any], bool]) -> None:
        self._reporter = reporter
        self._deeds = deeds
        self._reached = reached
        self._suspects: dict[int, _Suspect] = {}
        self._cleared = _Cleared()
        self._handle: Any = None

    def stepped(self, optimizer: Any, frame: FrameType) -> None:
        """An optimizer has made its first step; `frame`: of the program's, which called it."""
        leaves = _leaves(optimizer)
        if any(map(_has_gradient, leaves)) or not any(map(self._reached, leaves)):
            return
        versions = {id(p): p.grad._version for p in leaves if p.grad is not None}
        self._suspects[id(optimizer)] = _Suspect(
            weakref.ref(optimizer), type(optimizer).__name__, self._reporter.places.stack(frame), versions
        )
        if self._handle is None:
            self._handle = before_optimizer_step(self._steps)
            self._deeds.watch_clears(self._clears)

    def ends(self) -> None:
        """The watching ends."""
        if self._handle is not None:
            self._handle.remove()
            self._deeds.watch_clears(None)
        for suspect in self._suspects.values():
            if suspect.empty >= FEW:
                self._tell(suspect)
        self._suspects.clear()

    def _clears(self, leaf: Any, stack: int) -> None:
        if self._cleared.number != self._reporter.passes:
            self._cleared = _Cleared(self._reporter.passes)
        self._cleared.stacks[id(leaf)] = stack

    def _steps(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        """An optimizer begins its step."""
        if not self._reporter.enabled or being_compiled():
            return
        try:
            with torch.no_grad(), untouched():
                self._look(optimizer, args, kwargs)
        except Exception as error:
            self._reporter.fault(error, "look at gradients")

    def _look(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        suspect = self._suspects.get(id(optimizer))
        if suspect is None or suspect.optimizer() is not optimizer:
            return
        leaves = _leaves(optimizer)
        if len(args) > 1 or kwargs or any(map(_has_gradient, leaves)):  # a closure makes its own
            del self._suspects[id(optimizer)]
            return
        fresh = self._cleared.stacks if self._cleared.number == self._reporter.passes else {}
        stacks = [fresh[id(p)] for p in leaves if p.grad is None and id(p) in fresh]
        stacks += [stack for p in leaves if (stack := self._zeroed(suspect, p)) is not None]
        if stacks:
            suspect.empty += 1
            suspect.last, suspect.cleared = self._reporter.passes, stacks[0]
            if suspect.empty == MANY:
                shown = self._reporter.places.shown
                said = [part if isinstance(part, str) else shown(part) for part in suspect.message]
                self._reporter.notice("".join(said), suspect.last)

    def _zeroed(self, suspect: _Suspect, leaf: Any) -> int | None:
        """The stack that has zeroed a gradient in place, where one had come before that."""
        grad = leaf.grad
        if grad is None:
            return None
        before, suspect.versions[id(leaf)] = suspect.versions.get(id(leaf)), grad._version
        write = self._deeds.writes.last(grad)
        if before is None or write is None or write.what not in _ZEROES:
            return None
        return write.stack if len(self._deeds.writes.since(grad, before)) < grad._version - before else None

    def _tell(self, suspect: _Suspect) -> None:
        told = Explained("empty-step", suspect.last, 0, 0, tuple(suspect.message), suspect.cleared)
        self._reporter.explain(told)


def _leaves(optimizer: Any) -> list[Any]:
    return [p for p in parameters_of(optimizer) if p.requires_grad]


def _has_gradient(leaf: Any) -> bool:
    """One that is not zero; one that cannot be read counts as such."""
    grad = leaf.grad
    return grad is not None and (bool(readable(grad)) or bool(grad.detach().any()))
