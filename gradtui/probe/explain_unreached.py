"""Why no pass has reached a parameter: cut off, its module never ran, its result led nowhere, frozen.

Told for the parameters that an optimizer steps, once for an optimizer, and not before it is sure: after
`STEPS` steps, or at the program's end after `FEW`. What alternates (heads, the nets of a GAN) has been
reached by then.
"""

from __future__ import annotations

import dis
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from operator import is_
from types import FrameType
from typing import Any

import torch

from gradtui.probe.explain_cuts import Cut, made_from
from gradtui.probe.explain_names import modules_in, name_in
from gradtui.probe.forward import ForwardMap
from gradtui.probe.frames import user_frames
from gradtui.probe.reporter import Reporter
from gradtui.probe.torch_graph import walk
from gradtui.probe.torch_private import forward_class, leaf_of, op_of
from gradtui.probe.weak import Reference, Remembered
from gradtui.wire.messages import Explained, Part

STEPS = 50
"""Steps of an optimizer after which a parameter that was never reached is told."""
FEW = 2
"""So many it must have made when the program ends earlier."""
LEAF = 2**63
"""Leaves carry numbers beyond this one."""
NAMED = 3
"""Parameters that are called by name in one finding."""


@dataclass(frozen=True)
class Why:
    """Why a parameter is not in the graph."""

    message: tuple[Part, ...]
    culprit: int | None
    """The stack that cut the graph."""


REPLACED = Why(("no model in scope holds them: were they replaced after the optimizer was made?",), None)


def unreached(
    leaf: torch.Tensor, module: torch.nn.Module | None, forward: ForwardMap, in_pass: Collection[int]
) -> Why:
    """`module`: the leaf's own; `in_pass`: the sequence numbers of the last pass's nodes."""
    cut = _cut_of(leaf, module, forward, in_pass)
    if cut is not None:
        stack, lines = forward.deeds.place(cut)
        return Why((f"its values were cut off by {cut.how} at ", *lines), stack)
    if module is not None and forward.ran(id(module)) is None:
        return Why((f"its {type(module).__name__} was never called in a forward with gradients",), None)
    return Why(("what was made from it does not lead to where backward was called",), None)


def _cut_of(
    leaf: torch.Tensor, module: torch.nn.Module | None, forward: ForwardMap, in_pass: Collection[int]
) -> Cut | None:
    """The cut between a leaf and the pass: of the leaf itself, else of what was made from it.

    Where it is not known what was cut off, one behind the leaf's module and before the root.
    """
    numbers = {number for number in in_pass if number < LEAF}
    root = max(numbers, default=LEAF)
    cuts = [cut for cut in forward.deeds.cuts.recent if cut.sequence <= root]
    ran = forward.ran(id(module)) if module is not None else None
    own = [cut for cut in reversed(cuts) if any(ref() is leaf for ref in cut.of)]
    # one from before the module ran is an evaluation's; a copy of the model cuts, and leads nowhere
    for cut in own:
        if cut.used in numbers or (cut.leaves and (ran is None or ran[0] <= cut.sequence)):
            return cut
    if ran is None:
        return None
    since = [(cut, made_from(cut, leaf)) for cut in cuts if ran[0] < cut.sequence]
    behind = [cut for cut, made in since if made or (made is None and ran[1] < cut.sequence)]
    sure = [cut for cut in behind if cut.used in numbers or cut.leaves]
    return sure[0] if sure else (behind[0] if behind and not numbers else None)


class _Optimizer:
    """What is known of one optimizer."""

    def __init__(self, optimizer: Any) -> None:
        self.reference = weakref.ref(optimizer)
        self.steps = 0
        self.suspects: list[tuple[weakref.ref[Any], str | None, int | None, Why]] = []
        """Parameters not reached so far: name, the stack that defines it, and why."""
        self.told = False


class Unreached:
    """Watches what optimizers step. `reached`: has a leaf been in a pass?"""

    def __init__(self, reporter: Reporter, forward: ForwardMap, reached: Callable[[Any], bool]) -> None:
        self._reporter = reporter
        self._forward = forward
        self._reached = reached
        self._known: dict[int, _Optimizer] = {}
        self._withheld = Remembered[Why]()
        """Of leaves that a custom function returned None for."""
        self.last: tuple[int, int, Collection[int]] = (0, 0, ())
        """The last pass, its steps, and the sequence numbers of its nodes."""

    def stepped(self, optimizer: Any, frame: FrameType) -> None:
        """An optimizer has stepped; `frame`: of the program's, which called it."""
        known = self._known.get(id(optimizer))
        if known is None or known.reference() is not optimizer:
            known = self._known[id(optimizer)] = _Optimizer(optimizer)
        known.steps += 1
        known.suspects = [s for s in known.suspects if (leaf := s[0]()) is None or leaf.grad is None]
        if known.told or not self.last[0]:
            return
        if known.steps == 1:
            self._suspect(known, optimizer, frame)
        elif known.steps >= STEPS:
            self._tell(known)

    def withheld(self, node: Any, slot: int) -> None:
        """A custom function received a gradient and returned None for an operand."""
        stack = self._forward.stack_of(self._forward.number_of(node))
        made: tuple[Part, ...] = () if stack is None else (" at ", stack)
        culprit = self._reporter.places.returned(getattr(forward_class(node), "backward", None))
        why = Why((op_of(node), *made, " sent None on the way there"), culprit)
        for below in walk([node.next_functions[slot][0]]):
            leaf = leaf_of(below)
            if leaf is not None:
                self._withheld.set(leaf, why)

    def _lacks(self, leaf: Any) -> bool:
        """Has nothing come to a leaf so far?"""
        return (
            leaf.requires_grad
            and leaf.grad is None
            and (not self._reached(leaf) or self._withheld.get(leaf) is not None)
        )

    def ends(self) -> None:
        """The watching ends."""
        for known in self._known.values():
            if known.steps >= FEW and not known.told:
                self._tell(known)

    def _suspect(self, known: _Optimizer, optimizer: Any, frame: FrameType) -> None:
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        missing = [p for p in parameters if self._lacks(p)]
        frozen = [p for p in parameters if not p.requires_grad and p.is_leaf]
        if not missing and not frozen:
            return
        frames = user_frames(frame, self._reporter.places)
        homes = _homes(missing + frozen, modules_in(frames))
        if any(id(p) not in homes for p in missing):  # the model may be a library's variable alone
            found = modules_in(list(_outwards(frame)))
            homes = {**_homes(missing + frozen, [(type(m).__name__, m) for _, m in found]), **homes}
        for p in missing:
            name, module, defined = homes.get(id(p)) or (name_in(frames, partial(is_, p)), None, None)
            stack = None if defined is None else self._reporter.places.at(*defined)
            if name is None and isinstance(p, torch.nn.Parameter):
                why = REPLACED
            else:
                known_why = self._withheld.get(p) if self._reached(p) else None
                why = known_why or unreached(p, module, self._forward, self.last[2])
            known.suspects.append((Reference(p), name, stack, why))
        self._tell_frozen(optimizer, frozen, homes)

    def _tell_frozen(self, optimizer: Any, frozen: list[Any], homes: dict[int, Any]) -> None:
        if not frozen:
            return
        names = [homes[id(p)][0] for p in frozen if id(p) in homes]
        stack = self._forward.deeds.frozen_at(frozen[0])
        where = f", set at {self._reporter.places.shown(stack)}" if stack is not None else ""
        self._reporter.notice(
            f"{type(optimizer).__name__} was given {_several(names, len(frozen))}, frozen "
            f"(requires_grad=False{where}): no gradient comes there"
        )

    def _tell(self, known: _Optimizer) -> None:
        known.told = True
        groups: dict[tuple[Part, ...], list[tuple[str | None, int | None, Why]]] = {}
        for reference, name, stack, why in known.suspects:
            leaf = reference()
            if leaf is None or self._lacks(leaf):
                groups.setdefault((*why.message, why.culprit or 0), []).append((name, stack, why))
        known.suspects.clear()
        use = self._reporter.places.use
        for members in groups.values():
            names, why = [name for name, _, _ in members if name], members[0][2]
            head = f"no gradient has come to {_several(names, len(members))}, which an optimizer steps: "
            message = [use(part) or 0 if isinstance(part, int) else part for part in (head, *why.message)]
            kind = "unused-parameter" if why.culprit is None else "cut-graph"
            number, step, _ = self.last
            source = next((stack for _, stack, _ in members if stack is not None), None)
            self._reporter.send(
                Explained(
                    kind,
                    number,
                    step,
                    0,
                    tuple(message),
                    use(why.culprit),
                    use(source),
                    names[0] if names else None,
                )
            )


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _several(names: list[str], count: int) -> str:
    told = ", ".join(names[:NAMED]) or f"{count} parameter{'' if count == 1 else 's'} without a name"
    return told + (f" and {count - NAMED} more" if names and count > NAMED else "")


def _homes(
    leaves: Iterable[Any], modules: list[tuple[str, torch.nn.Module]]
) -> dict[int, tuple[str, torch.nn.Module, tuple[Any, int] | None]]:
    """For parameters, by `id()`: the name, the module that owns it, and where that was put into its place."""
    wanted = {id(leaf) for leaf in leaves}
    found: dict[int, tuple[str, torch.nn.Module, tuple[Any, int] | None]] = {}
    for path, root in modules:
        parents = dict(torch.nn.Module.named_modules(root))
        for name, part in parents.items():
            for attribute, parameter in list(part._parameters.items()):
                if parameter is None or id(parameter) not in wanted or id(parameter) in found:
                    continue
                full = ".".join(filter(None, (path, name, attribute)))
                found[id(parameter)] = full, part, _defined(parents, name, attribute)
    return found


def _defined(parents: dict[str, torch.nn.Module], name: str, attribute: str) -> tuple[Any, int] | None:
    """The instruction of an `__init__` of the program's that set the parameter or a module around it."""
    while True:
        owner = parents.get(name)
        code = getattr(getattr(type(owner), "__init__", None), "__code__", None)
        if code is not None and not code.co_filename.startswith(torch.__path__[0]):
            for instruction in dis.get_instructions(code):
                if instruction.opname == "STORE_ATTR" and instruction.argval == attribute:
                    return code, instruction.offset
        if not name:
            return None
        name, _, attribute = name.rpartition(".")
