"""Why no pass has reached a leaf: cut off, its module never ran, its result led nowhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from gradtui.probe.explain.cuts import Cut, made_from
from gradtui.probe.pytorch.forward import ForwardMap
from gradtui.wire.messages import Part

LEAF = 2**63
"""Leaves carry numbers beyond this one."""


class Inner:
    """The inner nodes of a pass, by their sequence numbers."""

    def __init__(self, numbers: Iterable[int]) -> None:
        """`numbers`: of all its nodes."""
        self.numbers = frozenset(number for number in numbers if number < LEAF)
        self.root = max(self.numbers, default=LEAF)


@dataclass(frozen=True)
class Why:
    """Why a parameter is not in the graph."""

    message: tuple[Part, ...]
    culprit: int | None
    """The stack of the statement at fault."""
    kind: str = "unused-parameter"
    """Of the finding."""
    never: bool = False
    """Was its module never called?"""


def unreached(
    leaf: torch.Tensor,
    module: torch.nn.Module | None,
    forward: ForwardMap,
    inner: Inner,
    asked: bool = False,
) -> Why:
    """`module`: the leaf's own; `inner`: of the last pass.

    `asked`: is it a tensor that a gradient was asked for? For one, all cuts are looked through.
    """
    cut, sure = _cut_of(leaf, module, forward, inner, asked)
    if cut is not None:
        stack, lines = forward.deeds.place(cut)
        cut_off = "were cut off by" if sure else "may have been cut off by"
        return Why((f"its values {cut_off} {cut.how} at ", *lines), stack, "cut-graph")
    if module is not None and forward.ran(id(module)) is None:
        told = f"its {type(module).__name__} was never called in a forward with gradients"
        return Why((told,), None, never=True)
    return Why(("what was made from it does not lead to where backward was called",), None)


def _cut_of(
    leaf: torch.Tensor, module: torch.nn.Module | None, forward: ForwardMap, inner: Inner, asked: bool
) -> tuple[Cut | None, bool]:
    """The cut between a leaf and the pass, and whether it is known to be behind the leaf.

    One whose result the pass has used, else one whose values left torch: these may only have been looked at.
    """
    numbers = inner.numbers
    cuts = [cut for cut in forward.deeds.cuts.recent if cut.sequence <= inner.root]
    ran = forward.ran(id(module)) if module is not None else None
    # one from before the module ran is an evaluation's; a copy of the model cuts, and leads nowhere;
    # a module that never ran was looked at by an initialization or a log, unless its values left at once
    start = -1 if asked or module is None else LEAF if ran is None else ran[0]
    known = [
        cut
        for cut in reversed(cuts)
        if any(ref() is leaf for ref in cut.of)
        and (cut.is_used(numbers) or (cut.leaves and (start <= cut.sequence or (cut.direct and ran is None))))
    ]
    unknown: list[Cut] = []
    if asked or ran is not None:
        since = [(cut, made_from(cut, leaf)) for cut in cuts if start < cut.sequence]
        known += [cut for cut, made in since if made]
        unknown = [cut for cut, made in since if made is None and ran is not None and ran[1] < cut.sequence]
    for some in (known, unknown):
        used = [cut for cut in some if cut.is_used(numbers)]
        found = used or [cut for cut in some if cut.leaves] or ([] if numbers else some)
        if found:
            return found[0], some is known
    return None, False
