"""Why no pass has reached a leaf: cut off, its module never ran, its result led nowhere."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import torch

from gradtui.probe.explain.cuts import Cut, made_from
from gradtui.probe.pytorch.forward import ForwardMap
from gradtui.wire.messages import Part

LEAF = 2**63
"""Leaves carry numbers beyond this one."""


@dataclass(frozen=True)
class Why:
    """Why a parameter is not in the graph."""

    message: tuple[Part, ...]
    culprit: int | None
    """The stack of the statement at fault."""
    kind: str = "unused-parameter"
    """Of the finding."""


def unreached(
    leaf: torch.Tensor, module: torch.nn.Module | None, forward: ForwardMap, in_pass: Collection[int]
) -> Why:
    """`module`: the leaf's own; `in_pass`: the sequence numbers of the last pass's nodes."""
    cut, sure = _cut_of(leaf, module, forward, in_pass)
    if cut is not None:
        stack, lines = forward.deeds.place(cut)
        cut_off = "were cut off by" if sure else "may have been cut off by"
        return Why((f"its values {cut_off} {cut.how} at ", *lines), stack, "cut-graph")
    if module is not None and forward.ran(id(module)) is None:
        return Why((f"its {type(module).__name__} was never called in a forward with gradients",), None)
    return Why(("what was made from it does not lead to where backward was called",), None)


def _cut_of(
    leaf: torch.Tensor, module: torch.nn.Module | None, forward: ForwardMap, in_pass: Collection[int]
) -> tuple[Cut | None, bool]:
    """The cut between a leaf and the pass, and whether it is known to be behind the leaf.

    One whose result the pass has used, else one whose values left torch: these may only have been looked at.
    """
    numbers = {number for number in in_pass if number < LEAF}
    root = max(numbers, default=LEAF)
    cuts = [cut for cut in forward.deeds.cuts.recent if cut.sequence <= root]
    ran = forward.ran(id(module)) if module is not None else None
    # one from before the module ran is an evaluation's; a copy of the model cuts, and leads nowhere
    known = [
        cut
        for cut in reversed(cuts)
        if any(ref() is leaf for ref in cut.of)
        and (cut.is_used(numbers) or (cut.leaves and (ran is None or ran[0] <= cut.sequence)))
    ]
    unknown: list[Cut] = []
    if ran is not None:
        since = [(cut, made_from(cut, leaf)) for cut in cuts if ran[0] < cut.sequence]
        known += [cut for cut, made in since if made]
        unknown = [cut for cut, made in since if made is None and ran[1] < cut.sequence]
    for some in (known, unknown):
        used = [cut for cut in some if cut.is_used(numbers)]
        found = used or [cut for cut in some if cut.leaves] or ([] if numbers else some)
        if found:
            return found[0], some is known
    return None, False
