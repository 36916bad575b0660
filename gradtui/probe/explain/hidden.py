"""Parameters in a plain list: a gradient comes to them in every pass, and no optimizer was ever given them.

A module registers modules and parameters that are its attributes; those in a list, tuple or dict of its
own it does not know, and `parameters()` leaves them out. Found where another parameter of the same model
is stepped. What is alone in its container was put there to be hidden; what no optimizer steps may be
moved by hand, or its gradient read and cleared: then nothing is told.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from types import FrameType
from typing import Any

import torch

from gradtui.probe.explain.names import defined, modules_in, several
from gradtui.probe.explain.writes import Writes
from gradtui.probe.frames import user_frames
from gradtui.probe.pytorch.leaves import AsItWas, held_by_optimizers, parameters_of
from gradtui.probe.pytorch.private import is_leaf
from gradtui.probe.reporter import Reporter
from gradtui.probe.weak import Reference
from gradtui.wire.messages import Explained

FIRST = 2
"""The step of an optimizer at which its models are looked into."""
OPTIMIZERS = 4
"""So many optimizers' models are looked into."""
ENOUGH = 2
"""Steps of the optimizer, each after one more gradient, that must have left a parameter as it was."""
STEPS = 50
"""After so many a notice says it."""
LONGEST = 1_000
"""Elements of one container looked at."""

_OWN = frozenset(vars(torch.nn.Module()))
"""Attributes of every module."""


@dataclass
class _Hidden:
    """A parameter that no module registers."""

    name: str
    container: str
    """In words: `net.layers is a list`."""
    stack: int | None
    """Where the container was made."""
    optimizer: weakref.ref[Any]
    was: AsItWas
    grad: weakref.ref[Any]
    grad_version: int
    steps: int = 0
    """Steps of the optimizer that have left it as it was."""


class HiddenParameters:
    """One for a run. `reached`: has a leaf been in a pass?"""

    def __init__(self, reporter: Reporter, writes: Writes, reached: Callable[[Any], bool]) -> None:
        self._reporter = reporter
        self._writes = writes
        self._reached = reached
        self._looked = 0
        self._watched: list[_Hidden] = []
        self._noticed: set[str] = set()

    def stepped(self, optimizer: Any, steps: int, frame: FrameType) -> None:
        """An optimizer has made its step of that number; `frame`: of the program's, which called it."""
        if steps == FIRST and self._looked < OPTIMIZERS:
            self._looked += 1
            self._look(optimizer, frame)
        elif self._watched:
            held = set(map(id, parameters_of(optimizer)))
            self._watched = [h for h in self._watched if self._remains(h, optimizer, held)]
            self._notice([h for h in self._watched if h.steps == STEPS])

    def ends(self, at: tuple[int, int]) -> None:
        """The watching ends; `at`: the last pass and its steps."""
        if not self._watched:
            return
        held = held_by_optimizers()
        found = [h for h in self._watched if h.steps >= ENOUGH and self._unmoved(h, held)]
        for container, members in _by_container(found).items():
            first = members[0]
            told = f"{_said(container, members)} Make it an nn.ModuleList (or nn.ParameterList)"
            self._reporter.explain(
                Explained("unstepped-parameter", *at, 0, (told,), first.stack, first.stack, first.name)
            )
        self._watched.clear()

    def _look(self, optimizer: Any, frame: FrameType) -> None:
        stepped = set(map(id, parameters_of(optimizer)))
        seen: set[int] = set()
        held: set[int] | None = None
        for path, model in modules_in(user_frames(frame, self._reporter.places)):
            registered = {id(p) for p in torch.nn.Module.parameters(model)}
            if registered.isdisjoint(stepped):
                continue
            for name, leaf, container, where in _unregistered(path, model):
                if id(leaf) in seen or id(leaf) in registered or leaf.grad is None or not self._reached(leaf):
                    continue
                seen.add(id(leaf))
                held = held_by_optimizers() if held is None else held
                if id(leaf) not in held and is_leaf(leaf) and leaf.requires_grad:
                    stack = None if where is None else self._reporter.places.at(*where)
                    self._watched.append(
                        _Hidden(
                            name, container, stack, weakref.ref(optimizer), AsItWas(leaf),
                            Reference(leaf.grad), leaf.grad._version,
                        )
                    )  # fmt: skip

    def _remains(self, hidden: _Hidden, optimizer: Any, held: set[int]) -> bool:
        """Is it still as it was, and did one more gradient come to it?"""
        if hidden.optimizer() is not optimizer:
            leaf = hidden.was.reference()
            return leaf is None or id(leaf) not in held
        if not self._unmoved(hidden, held):
            return False
        grad = hidden.grad()
        if grad is not None:
            writes = self._writes.since(grad, hidden.grad_version)
            if writes or grad._version == hidden.grad_version:
                return False
            hidden.grad_version = grad._version
            hidden.steps += 1
        return True

    def _unmoved(self, hidden: _Hidden, held: set[int]) -> bool:
        leaf = hidden.was.reference()
        if leaf is None:
            return True  # it is gone, and was as it was to the last
        return (
            id(leaf) not in held
            and leaf.grad is not None
            and leaf.grad is hidden.grad()
            and hidden.was.holds()
        )

    def _notice(self, found: list[_Hidden]) -> None:
        for container, members in _by_container(found).items():
            if container not in self._noticed:
                self._noticed.add(container)
                self._reporter.notice(_said(container, members))


def _by_container(found: list[_Hidden]) -> dict[str, list[_Hidden]]:
    groups: dict[str, list[_Hidden]] = {}
    for hidden in found:
        groups.setdefault(hidden.container, []).append(hidden)
    return groups


def _said(container: str, members: list[_Hidden]) -> str:
    names = several([hidden.name for hidden in members], len(members))
    return (
        f"a gradient comes to {names} in each pass, and no optimizer was given "
        f"{'it' if len(members) == 1 else 'them'}: {container}, which parameters() does not look into."
    )


Place = tuple[Any, int] | None


def _unregistered(path: str, model: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Parameter, str, Place]]:
    """Parameters in containers of a model's modules: name, the container in words, where it was made."""
    parents = dict(torch.nn.Module.named_modules(model))
    for name, part in parents.items():
        for attribute, value in list(vars(part).items()):
            if attribute in _OWN or not issubclass(type(value), (list, tuple, dict)):
                continue
            things = list(_things(value, 2))
            if len({id(thing) for _, thing in things}) < 2:
                continue
            whole = ".".join(filter(None, (path, name, attribute)))
            container = f"{whole} is a {type(value).__name__}"
            where = defined(parents, name, attribute)
            for index, thing in things:
                if issubclass(type(thing), torch.nn.Parameter):
                    yield whole + index, thing, container, where
                else:
                    for inner, leaf in torch.nn.Module.named_parameters(thing):
                        yield f"{whole}{index}.{inner}", leaf, container, where


def _things(value: Any, deep: int) -> Iterator[tuple[str, Any]]:
    """The modules and parameters in a container, each with its index. Runs none of the program's code."""
    for index, item in islice(_pairs(value), LONGEST):
        if issubclass(type(item), (torch.nn.Module, torch.nn.Parameter)):
            yield index, item
        elif deep > 1 and type(item) in (list, tuple, dict):
            for rest, inner in _things(item, deep - 1):
                yield index + rest, inner


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    if issubclass(type(value), dict):
        for key, item in list(dict.items(value)):
            yield f"[{key!r}]" if type(key) in (str, int) else "[...]", item
    else:
        items = list.__iter__(value) if issubclass(type(value), list) else tuple.__iter__(value)
        yield from ((f"[{index}]", item) for index, item in enumerate(items))
