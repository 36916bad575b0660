"""Parameters that no gradient comes to, told once for an optimizer that steps them, and why.

Told at the program's end: what alternates (heads, the nets of a GAN) and what joins late has been reached
by then. A notice says it after `STEPS` steps. What a custom function returned None for is told without an
optimizer too.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import is_
from types import FrameType
from typing import Any, NamedTuple

import torch

from gradtui.probe.explain.empty import EmptySteps
from gradtui.probe.explain.hidden import HiddenParameters
from gradtui.probe.explain.left_out import LeftOut
from gradtui.probe.explain.names import defined, modules_in, name_in, several
from gradtui.probe.explain.replaced import replaced
from gradtui.probe.explain.unreached import Inner, Why, unreached
from gradtui.probe.frames import user_frames
from gradtui.probe.pytorch.forward import ForwardMap
from gradtui.probe.pytorch.graph import walk
from gradtui.probe.pytorch.leaves import held_by_optimizers, parameters_of, sample
from gradtui.probe.pytorch.private import backward_of, is_leaf, leaf_of, op_of
from gradtui.probe.reporter import Reporter
from gradtui.probe.weak import Reference, Remembered
from gradtui.wire.messages import Explained, Node, Part

STEPS = 50
"""Steps of an optimizer after which a notice tells of a parameter that was never reached."""
FEW = 2
"""So many it must have made by the program's end for a finding."""

LOOKED = 8
"""Passes that are looked through for parameters of no module."""
SAME = 1e-2
"""Difference of entries that a cast to half precision and back explains, and more."""
_ANEW = (
    "a parameter with its values that belongs to no module is there instead (nn.Parameter(...) in the "
    "forward copies the values alone), used at "
)


@dataclass
class _Suspect:
    """A parameter that nothing has come to so far."""

    leaf: weakref.ref[Any]
    name: str | None
    stack: int | None
    """That put it into its module."""
    why: Why


class _Homeless(NamedTuple):
    """A parameter in a pass that belongs to no module."""

    leaf: weakref.ref[Any]
    entries: list[float] | None
    stack: int
    """Of what used it."""


class _Home(NamedTuple):
    """Where a parameter lives."""

    name: str
    module: torch.nn.Module
    made: tuple[Any, int] | None
    """The code and the offset that put it there."""


class _Optimizer:
    """What is known of one optimizer."""

    def __init__(self, optimizer: Any) -> None:
        self.reference = weakref.ref(optimizer)
        self.kind = type(optimizer).__name__
        self.steps = 0
        self.suspects: list[_Suspect] = []
        self.instead = ""
        """Where nothing that it steps was reached: what was, and no optimizer holds, in words."""


class Parameters:
    """Watches what optimizers step, and what they do not. `reached`: has a leaf been in a pass?"""

    def __init__(self, reporter: Reporter, forward: ForwardMap, reached: Callable[[Any], bool]) -> None:
        self._reporter = reporter
        self._forward = forward
        self._reached = reached
        self._known: dict[int, _Optimizer] = {}
        self._empty = EmptySteps(reporter, forward.deeds, reached)
        self._hidden = HiddenParameters(reporter, forward.deeds.writes, reached)
        self._left_out = LeftOut(reporter, reached)
        self._withheld = Remembered[Why]()
        """Of leaves that a custom function returned None for."""
        self._without: dict[int, tuple[weakref.ref[Any], str | None]] = {}
        """Those of them that nothing has come to so far, with their names."""
        self._homeless: dict[tuple[int, ...], _Homeless] = {}
        """By shape: parameters in passes that belong to no module."""
        self._looked = 0
        self.last: tuple[int, int, Collection[int]] = (0, 0, ())
        """The last pass, its steps, and the sequence numbers of its nodes."""

    def stepped(self, optimizer: Any, frame: FrameType) -> None:
        """An optimizer has stepped; `frame`: of the program's, which called it."""
        known = self._known.get(id(optimizer))
        if known is None or known.reference() is not optimizer:
            known = self._known[id(optimizer)] = _Optimizer(optimizer)
        known.steps += 1
        known.suspects = [s for s in known.suspects if (leaf := s.leaf()) is None or leaf.grad is None]
        if self.last[0]:
            self._hidden.stepped(optimizer, known.steps, frame)
            self._left_out.stepped(optimizer, known.steps, frame)
            if known.steps == 1:
                self._empty.stepped(optimizer, frame)
                self._suspect(known, optimizer, frame)
        if known.steps == STEPS:
            for message, _, _ in self._found(known):
                self._reporter.notice(self._said(message), self.last[0])

    def _said(self, message: Iterable[Part]) -> str:
        return "".join(p if isinstance(p, str) else self._reporter.places.shown(p) for p in message)

    def saw(self, nodes: Sequence[Any], facts: Sequence[Node]) -> None:
        """What a pass went through: of the first few it is noted which parameters belong to no module."""
        if self._looked >= LOOKED:
            return
        self._looked += 1
        lost = {
            told.id: leaf
            for node, told in zip(nodes, facts)
            if told.module is None and isinstance(leaf := leaf_of(node), torch.nn.Parameter)
        }
        for told in facts if lost else ():
            for target in told.inputs:
                if target in lost and told.stack is not None:
                    leaf = lost[target]
                    self._homeless[tuple(leaf.shape)] = _Homeless(Reference(leaf), sample(leaf), told.stack)

    def passed(self) -> None:
        """A pass has ended."""
        if self._without:
            self._without = {
                key: entry
                for key, entry in self._without.items()
                if (leaf := entry[0]()) is not None and leaf.grad is None
            }

    def withheld(self, slots: Sequence[tuple[Any, int]], name_of: Callable[[Any], str | None]) -> None:
        """Custom functions received a gradient and returned None for an operand: the nodes, as they ran, and
        which operand. Of those above a leaf the last one counts."""
        seen: set[int] = set()
        for node, slot in reversed(slots):
            why: Why | None = None
            for below in walk([node.next_functions[slot][0]], seen):
                leaf = leaf_of(below)
                if leaf is not None:
                    why = why or self._why_withheld(node)
                    if self._withheld.get(leaf) is None:
                        self._without[id(leaf)] = Reference(leaf), name_of(below)
                    self._withheld.set(leaf, why)

    def _why_withheld(self, node: Any) -> Why:
        operation = self._forward.made(node)
        made: tuple[Part, ...] = () if operation is None else (" at ", operation.stack)
        culprit = self._reporter.places.returned(backward_of(node))
        kind = "unused-parameter" if culprit is None else "cut-graph"
        return Why((op_of(node), *made, " sent None on the way there"), culprit, kind)

    def _lacks(self, leaf: Any) -> bool:
        """Has nothing come to a leaf so far?"""
        return (
            leaf.requires_grad
            and leaf.grad is None
            and (not self._reached(leaf) or self._withheld.get(leaf) is not None)
        )

    def ends(self) -> None:
        """The watching ends."""
        self._empty.ends()
        self._hidden.ends(self.last[:2])
        self._left_out.ends()
        for known in self._known.values():
            if known.steps >= FEW:
                self._tell(known)
        self.passed()
        if self._without:
            self._tell_withheld(held_by_optimizers())

    def _tell_withheld(self, held: Collection[int]) -> None:
        """Of leaves that the program moves itself, if at all."""
        groups: dict[Why, list[str | None]] = {}
        for key, (reference, name) in self._without.items():
            why = self._withheld.by_id(key)
            if reference() is not None and why is not None and key not in held:
                groups.setdefault(why, []).append(name)
        for why, members in groups.items():
            names = [name for name in members if name]
            head = f"no gradient has come to {several(names, len(members))}: "
            self._explain(why, [head, *why.message], None, names)

    def _suspect(self, known: _Optimizer, optimizer: Any, frame: FrameType) -> None:
        parameters = parameters_of(optimizer)
        missing = [p for p in parameters if self._lacks(p)]
        frozen = [p for p in parameters if not p.requires_grad and is_leaf(p)]
        if not missing and not frozen:
            return
        frames = user_frames(frame, self._reporter.places)
        homes = _homes(missing + frozen, modules_in(frames))
        if any(id(p) not in homes for p in missing):  # the model may be a library's variable alone
            found = modules_in(list(_outwards(frame)))
            homes = {**_homes(missing + frozen, [(type(m).__name__, m) for _, m in found]), **homes}
        lost: Why | None = None
        inner = Inner(self.last[2] if missing else ())
        for p in missing:
            home = homes.get(id(p))
            name = name_in(frames, partial(is_, p)) if home is None else home.name
            made = None if home is None else home.made
            stack = None if made is None else self._reporter.places.at(*made)
            if name is None and isinstance(p, torch.nn.Parameter):
                lost = why = lost or self._replaced(frames)
            else:
                known_why = self._withheld.get(p) if self._reached(p) else None
                module = None if home is None else home.module
                why = known_why or unreached(p, module, self._forward, inner)
                if why.culprit is None and module is not None:
                    why = self._made_anew(p) or why
            known.suspects.append(_Suspect(Reference(p), name, stack, why))
        if missing and len(missing) == len(parameters):
            known.instead = self._instead(modules_in(frames))
        self._tell_frozen(optimizer, frozen, homes)

    def _instead(self, modules: list[tuple[str, torch.nn.Module]]) -> str:
        """What an optimizer that nothing came to may have been meant to step."""
        held = held_by_optimizers()
        names = [
            f"{path}.{name}"
            for path, model in modules
            for name, p in torch.nn.Module.named_parameters(model)
            if p.grad is not None and id(p) not in held and self._reached(p)
        ]
        if not names:
            return ""
        come = "a gradient comes" if len(names) == 1 else "gradients come"
        told = several(names, len(names))
        return f". Nothing that it steps gets any: {come} to {told}, which no optimizer holds"

    def _tell_frozen(self, optimizer: Any, frozen: list[Any], homes: dict[int, _Home]) -> None:
        if not frozen:
            return
        names = [homes[id(p)].name for p in frozen if id(p) in homes]
        where = self._said(self._forward.deeds.frozen(frozen[0]))
        where = f", set{where}" if where else ""
        self._reporter.notice(
            f"{type(optimizer).__name__} was given {several(names, len(frozen))}, frozen "
            f"(requires_grad=False{where}): no gradient comes there"
        )

    def _made_anew(self, leaf: Any) -> Why | None:
        """Has a parameter that nobody owns, of its shape and its values, been in a pass?"""
        other = self._homeless.get(tuple(leaf.shape))
        if other is None or not _alike(other.entries, sample(leaf)):
            return None
        alive = other.leaf()
        if alive is not None and id(alive) in held_by_optimizers():
            return None
        return Why((_ANEW, other.stack), None, "cut-graph")

    def _replaced(self, frames: list[FrameType]) -> Why:
        """Why parameters of an optimizer belong to no model."""
        instead = replaced(
            held_by_optimizers(), modules_in(frames), self._reached, frames, self._reporter.places
        )
        head = "no model in scope holds them"
        if instead is None:
            return Why((f"{head}: were they replaced after the optimizer was made?",), None)
        names, where = several(list(instead.names), len(instead.names)), instead.stack
        if instead.in_forward and where is not None:
            made = (
                f"{head} any more: the forward puts {names} there, at ", where,
                ", and the gradient comes to that. Change the values in place instead, under no_grad",
            )  # fmt: skip
            return Why(made, where, "cut-graph")
        put: tuple[Part, ...] = () if where is None else (", put there at ", where)
        get = "gets a gradient" if len(instead.names) == 1 else "get gradients"
        return Why(
            (
                f"{head} any more. They were replaced after the optimizer was made: the model has {names} "
                "now",
                *put,
                f", which {get} that no optimizer uses. Make the optimizer after that",
            ),
            where,
        )

    def _found(self, known: _Optimizer) -> Iterator[tuple[list[Part], list[_Suspect], Why]]:
        """What lacks a gradient still, by reason."""
        groups: dict[object, list[_Suspect]] = {}
        for suspect in known.suspects:
            leaf, why = suspect.leaf(), suspect.why
            if leaf is None or self._lacks(leaf):
                line = None if why.culprit is None else self._reporter.places.shown(why.culprit)
                key = "never called" if why.never else why if line is None else (why.kind, line)
                groups.setdefault(key, []).append(suspect)
        for members in groups.values():
            why = members[0].why
            if len({member.why for member in members}) > 1 and why.never:
                why = Why(("their modules were never called in a forward with gradients",), None)
            if known.instead:
                why = replace(why, message=(*why.message, known.instead))
            names = [member.name for member in members if member.name]
            told = several(names, len(members))
            head = f"in {known.steps} steps of {known.kind} no gradient has come to {told}, which it steps: "
            yield [head, *why.message], members, why

    def _tell(self, known: _Optimizer) -> None:
        for parts, members, why in self._found(known):
            source = next((member.stack for member in members if member.stack is not None), None)
            self._explain(why, parts, source, [member.name for member in members if member.name])
        known.suspects.clear()

    def _explain(self, why: Why, parts: list[Part], source: int | None, names: list[str]) -> None:
        number, step, _ = self.last
        name = names[0] if names else None
        told = Explained(why.kind, number, step, 0, tuple(parts), why.culprit, source, name)
        self._reporter.explain(told)


def _alike(one: list[float] | None, other: list[float] | None) -> bool:
    """The same entries but for a cast, and not all of them one number."""
    if one is None or other is None or len(one) != len(other) or len(set(one)) < 2:
        return False
    return all(math.isclose(a, b, rel_tol=SAME, abs_tol=SAME) for a, b in zip(one, other))


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _homes(leaves: Iterable[Any], modules: list[tuple[str, torch.nn.Module]]) -> dict[int, _Home]:
    """For parameters, by `id()`."""
    wanted = {id(leaf) for leaf in leaves}
    found: dict[int, _Home] = {}
    for path, root in modules:
        parents = dict(torch.nn.Module.named_modules(root))
        for name, part in parents.items():
            for attribute, parameter in list(part._parameters.items()):
                if parameter is None or id(parameter) not in wanted or id(parameter) in found:
                    continue
                full = ".".join(filter(None, (path, name, attribute)))
                found[id(parameter)] = _Home(full, part, defined(parents, name, attribute))
    return found
