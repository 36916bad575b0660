"""Parameters of a model that a gradient comes to in each pass, and that no optimizer was given.

It may be meant so (a head is trained, and the rest was not frozen): a notice says it, no finding. Looked for
where an optimizer steps another parameter of the same model.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch

from gradtui.probe.explain.names import modules_in, several
from gradtui.probe.frames import user_frames
from gradtui.probe.pytorch.leaves import AsItWas, held_by_optimizers, parameters_of
from gradtui.probe.reporter import Reporter
from gradtui.probe.weak import Reference

LOOKS = (2, 5, 20, 100)
"""The steps of an optimizer at which its models are looked into: a part may be unfrozen later."""
MOST = 16
"""So many looks in a run."""
ENOUGH = 2
"""New gradients that must have come, and left the parameter as it was."""
STEPS = 50
"""After so many the notice comes, else at the end."""
PATIENCE = 200
"""Steps after which what has not been told is let go."""


@dataclass
class _LeftOut:
    """A parameter that nobody steps."""

    name: str
    optimizer: weakref.ref[Any]
    was: AsItWas
    grad: weakref.ref[Any]
    grad_version: int
    """Of the gradient that it had last."""
    came: int = 0
    """New gradients since."""
    steps: int = 0
    """Of the optimizer since."""


class LeftOut:
    """One for a run. `reached`: has a leaf been in a pass?"""

    def __init__(self, reporter: Reporter, reached: Callable[[Any], bool]) -> None:
        self._reporter = reporter
        self._reached = reached
        self._looked = 0
        self._watched: list[_LeftOut] = []
        self._told: set[str] = set()

    def stepped(self, optimizer: Any, steps: int, frame: FrameType) -> None:
        """An optimizer has made its step of that number; `frame`: of the program's, which called it."""
        if self._watched:
            self._watched = [one for one in self._watched if one.optimizer() is not optimizer or _stays(one)]
            if any(one.came == STEPS for one in self._watched):
                self.ends()
        if steps in LOOKS and self._looked < MOST:
            self._looked += 1
            self._look(optimizer, frame)

    def ends(self) -> None:
        """Tell, each once."""
        watched, self._watched = self._watched, []
        held = held_by_optimizers() if watched else set()
        names = [one.name for one in watched if one.came >= ENOUGH and _is_left_out(one, held)]
        self._told.update(names)
        if names:
            it, they = ("it", "it stays as it is") if len(names) == 1 else ("them", "they stay as they are")
            self._reporter.notice(
                f"a gradient comes to {several(names, len(names))} in each pass, and no optimizer was given "
                f"{it}: {they}. Where that is meant, requires_grad_(False) spares the work"
            )

    def _look(self, optimizer: Any, frame: FrameType) -> None:
        stepped = set(map(id, parameters_of(optimizer)))
        known = {id(one.was.reference()) for one in self._watched}
        held: set[int] | None = None
        for path, model in modules_in(user_frames(frame, self._reporter.places)):
            parameters = dict(torch.nn.Module.named_parameters(model))
            if stepped.isdisjoint(map(id, parameters.values())):
                continue
            for name, leaf in parameters.items():
                if id(leaf) in stepped or id(leaf) in known or leaf.grad is None or not leaf.requires_grad:
                    continue
                whole = ".".join(filter(None, (path, name)))
                held = held_by_optimizers() if held is None else held
                if id(leaf) not in held and whole not in self._told and self._reached(leaf):
                    known.add(id(leaf))
                    self._watched.append(
                        _LeftOut(
                            whole, weakref.ref(optimizer), AsItWas(leaf),
                            Reference(leaf.grad), leaf.grad._version,
                        )
                    )  # fmt: skip


def _stays(one: _LeftOut) -> bool:
    """Is it still worth watching? Notes whether another gradient has come."""
    leaf: Any = one.was.reference()
    if leaf is None or one.steps >= PATIENCE:
        return False
    one.steps += 1
    grad, last = leaf.grad, one.grad()
    if grad is not None and (id(last) != id(grad) or one.grad_version != grad._version):
        one.came += 1
        one.grad, one.grad_version = Reference(grad), grad._version
    return True


def _is_left_out(one: _LeftOut, held: set[int]) -> bool:
    """Has nobody changed it, and does no optimizer hold it?"""
    leaf = one.was.reference()
    return leaf is not None and id(leaf) not in held and one.was.holds()
