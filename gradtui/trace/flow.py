"""How gradients flow through a pass and over passes: `vanishing`, `exploding`, `dead-unit`, and where
a function without a slope ends the flow (`cut-graph`).

Asked once a torch pass, when it has ended. The thresholds are far from what correct training shows: a
false alarm is worse than a miss.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from statistics import median
from typing import TYPE_CHECKING, TypeAlias

from gradtui.trace.exploding import LEAP, ends_in_leaf, exploding_runs, jump
from gradtui.trace.findings import Finding, finding_at
from gradtui.trace.model import Pass
from gradtui.trace.names import call
from gradtui.trace.numbers import digits, is_finite, magnitude, short
from gradtui.wire.messages import Node, Sent, Stepped, Summary

if TYPE_CHECKING:
    from gradtui.trace.trace import Trace

LAYERS = 8
"""Weights (leaves of two dimensions or more) that a pass must reach before their depth says anything."""
VANISHED = 1e-6
"""Share of the last layers' gradient, entry by entry, that still comes to the first ones."""
DIVERGED = 1e4
"""Growth of a leaf's gradient since the first pass; and the least norm that is called large."""
HUGE = 1e8
"""Norm of a leaf's gradient, in multiples of the leaf's own, that is too large in any pass."""
TRIED = 8
"""Weights that get next to nothing, last ones first, from which the way to the root is looked at."""
PASSES = 3
"""Passes in a row that must show what is told of `vanishing` and `dead-unit`."""
DEAD = 0.75
"""Share of a layer's units from which they are told: half of them are off for all examples at once where the
data lie on one side of zero, in nets that learn."""
DEAD_FOR = 10
"""Passes in a row in which single units got no gradient."""
ROWS = 8
"""Examples that a pass must have for that: of fewer, none may turn a unit on."""
LEARNT = 0.01
"""Share of its first gradient below which a leaf has nothing left to learn, and units may be zero."""
UNITS = 4
"""A layer of fewer units, or a gradient of fewer entries, may be zero by chance."""
CROWD = 10_000
"""Leaves remembered: beyond it those that have not been seen longest are forgotten. Of what is remembered
by line, all is."""

_FLAT = {
    **{word: f"{word.lower()} is flat" for word in ("Round", "Floor", "Ceil", "Trunc", "Sign")},
    **dict.fromkeys(("Normal", "Bernoulli", "Poisson"), "what is drawn at random has no slope"),
}
"""Functions that send zeros alone, and why."""
_SATURATING = ("Relu", "Threshold", "Sigmoid", "Tanh", "Gelu", "Hardtanh", "Hardsigmoid", "LeakyRelu", "Elu",
               "Silu", "Clamp", "ClampMin", "ClampMax")  # fmt: skip


_SAME = ("T", "Transpose", "Permute", "ToCopy")
"""What stands between a weight and its use."""


_Sized: TypeAlias = tuple[Stepped, float]
"""A leaf's step, and the root mean square of what it was added."""


@dataclass(slots=True)
class _Leaf:
    """What is remembered of a leaf's gradient."""

    first: float | None = None
    """The first norm that it had; None before any."""
    last: float = math.inf
    rising: int = 0
    """Passes in a row in which it grew."""
    zeros: frozenset[int] | None = None
    """Entries that were zero in the last passes; None before any."""
    passes: int = 0
    """How many passes these are."""


class Flow:
    """What is remembered from pass to pass."""

    def __init__(self) -> None:
        self._leaves: dict[int, _Leaf] = {}
        """By node; the one that was seen last stands last."""
        self._small: dict[tuple[int, ...], int] = {}
        """By the pass's weights: passes in a row in which the first layers got next to nothing."""
        self._dead: dict[tuple[str, int | None], int] = {}
        """By op and line: passes in a row in which an activation sent nothing but zeros."""
        self._exploded: set[int | None] = set()
        """The stacks that called passes in which a gradient exploded: dead units there are its doing."""

    def ended(self, trace: Trace, pass_: Pass) -> Iterator[Finding]:
        """A pass has ended."""
        if pass_.engine != "torch" or pass_.ended is None or pass_.ended.error:
            return
        if not is_finite(pass_.root.value):  # what follows from that is no fault of its own
            return
        for memory in (self._small, self._dead):
            if len(memory) > CROWD:
                memory.clear()
        inner = [step for step in pass_.messages if step.accumulated is None]
        leaves = [step for step in pass_.messages if step.accumulated is not None]
        yield from _flat(trace, pass_, inner)
        yield from self._vanishing(trace, pass_, leaves)
        diverging = list(self._diverging(trace, pass_, leaves))
        exploding = list(exploding_runs(trace, pass_, inner)) or diverging
        yield from exploding
        if exploding:
            self._exploded.add(pass_.began.stack)
        if pass_.began.stack not in self._exploded:
            yield from self._dead_layers(trace, pass_, inner)
            yield from self._dead_units(trace, pass_, leaves)
        for node in list(islice(self._leaves, max(0, len(self._leaves) - CROWD))):
            del self._leaves[node]

    def _leaf(self, node: int) -> _Leaf:
        """What is remembered of a leaf, which is seen now."""
        leaf = self._leaves[node] = self._leaves.pop(node) if node in self._leaves else _Leaf()
        return leaf

    # --------------------------------------------------------------- vanishing

    def _vanishing(self, trace: Trace, pass_: Pass, leaves: list[Stepped]) -> Iterator[Finding]:
        weights = _weights(leaves)
        key = tuple(sorted(step.node for step, _ in weights))
        chain = _fading(pass_, weights)
        if not chain:
            self._small.pop(key, None)
            return
        self._small[key] = self._small.get(key, 0) + 1
        if self._small[key] != PASSES:
            return
        (near, near_size), (far, far_size) = chain[0], min(chain[len(chain) // 2 :], key=lambda w: w[1])
        node = pass_.nodes[far.node]
        yield finding_at(
            trace, "vanishing", pass_, far.step, node, None,
            f"the gradient vanishes on its way through {len(chain)} weights: {digits(far_size, 3)} an entry"
            f" comes to {call(node)}, where {call(pass_.nodes[near.node])} gets {digits(near_size, 3)} "
            f"({digits(far_size / near_size, 1)} of it), {PASSES} passes in a row",
        )  # fmt: skip

    # --------------------------------------------------------------- exploding

    def _diverging(self, trace: Trace, pass_: Pass, leaves: list[Stepped]) -> Iterator[Finding]:
        scale, loss = _scale(pass_), max(1.0, magnitude(pass_.root.value) or 0.0)
        grows: bool | None = None
        for step in leaves:
            account = step.accumulated
            norm = magnitude(account.added) if account is not None else None
            if norm is None or not math.isfinite(norm):
                continue
            norm /= scale
            node = pass_.nodes[step.node]
            leaf = self._leaf(step.node)
            first = leaf.first = norm if leaf.first is None else leaf.first
            leaf.rising = leaf.rising + 1 if norm > leaf.last else 0
            leaf.last = norm
            own = max(magnitude(node.value) or 0.0, 1.0)
            since = f"{digits(norm / first, 1)} times its norm in the first pass" if first else "from nothing"
            if norm > HUGE * own and grows is None:
                grows = _grows(pass_)
            if norm > HUGE * own * loss or (norm > HUGE * own and grows):
                told = f"{digits(norm / own, 1)} times the norm of the leaf itself"
                leap = jump(trace, pass_, norm / own)
                told += f"; {leap[1]}" if leap is not None else ""
            elif first and norm > max(DIVERGED, DIVERGED * first) and leaf.rising >= PASSES - 1:
                told = f"{since}, growing from pass to pass: are the optimizer's steps too large?"
            else:
                continue
            yield finding_at(
                trace, "exploding", pass_, step.step, node, trace.line_of(pass_.began.stack),
                f"the gradient of {call(node)} has a norm of {digits(norm, 3)}: {told}",
            )  # fmt: skip
            return

    # -------------------------------------------------------------- dead units

    def _dead_layers(self, trace: Trace, pass_: Pass, inner: list[Stepped]) -> Iterator[Finding]:
        seen: dict[tuple[str, int | None], Stepped | None] = {}
        for step in inner:
            node = pass_.nodes[step.node]
            if _word(node) in _SATURATING:
                key = (node.op, node.stack)
                dead = _sent_zeros(step)
                seen[key] = step if dead and seen.get(key, step) is not None else None
        for key, dead_step in seen.items():
            if dead_step is None:
                self._dead.pop(key, None)
                continue
            self._dead[key] = self._dead.get(key, 0) + 1
            node = pass_.nodes[dead_step.node]
            if self._dead[key] == PASSES and _before_weights(pass_, node):
                yield finding_at(
                    trace, "dead-unit", pass_, dead_step.step, node, None,
                    f"all of {call(node)} is dead: it received {short(dead_step.received[0])} and sent "
                    f"zeros alone, {PASSES} passes in a row; nothing before it learns through it",
                )  # fmt: skip

    def _dead_units(self, trace: Trace, pass_: Pass, leaves: list[Stepped]) -> Iterator[Finding]:
        for step in leaves:
            account = step.accumulated
            added = account.added if account is not None else None
            if not isinstance(added, Summary) or len(added.shape) != 1 or added.values is None:
                continue
            values = added.values
            zeros = frozenset(i for i, value in enumerate(values) if value == 0)
            leaf = self._leaf(step.node)
            still = zeros if leaf.zeros is None else leaf.zeros & zeros
            learnt = (added.norm or 0.0) < LEARNT * (leaf.first or 0.0)
            few = len(values) < UNITS or len(still) < DEAD * len(values) or len(still) == len(values)
            if few or learnt:
                leaf.zeros, leaf.passes = zeros, 0
                continue
            leaf.zeros, leaf.passes = still, leaf.passes + 1
            activation = _activation(pass_, step)
            if leaf.passes == DEAD_FOR and activation is not None and _rows(pass_, activation) >= ROWS:
                node = pass_.nodes[step.node]
                line = trace.source_of(activation)
                units = ", ".join(map(str, sorted(still)[:8])) + (", …" if len(still) > 8 else "")
                yield finding_at(
                    trace, "dead-unit", pass_, step.step, node, None,
                    f"{len(still)} of {len(values)} units of {call(node)} are dead ({units}): their gradient "
                    f"was exactly 0 in {DEAD_FOR} passes in a row, behind {call(activation)}"
                    + (f" at {line}" if line else ""),
                )  # fmt: skip


def _flat(trace: Trace, pass_: Pass, inner: list[Stepped]) -> Iterator[Finding]:
    """A function that is flat wherever it has a slope sent zeros, and no leaf before it got anything else."""
    for step in inner:
        node = pass_.nodes[step.node]
        why = _FLAT.get(_word(node))
        if why is None or not _sent_zeros(step):
            continue
        if not _got_nothing(pass_, node):
            continue
        yield finding_at(
            trace, "cut-graph", pass_, step.step, node, trace.line_of(node.stack),
            f"{call(node)} received {short(step.received[0])} and sent zeros alone, for {why}: "
            "nothing before it gets a gradient",
        )  # fmt: skip
        return


def _got_nothing(pass_: Pass, node: Node) -> bool:
    """Are there leaves below a node, and has the pass added nothing to any of them?"""
    seen, waiting, leaves = {node.id}, [node], 0
    while waiting:
        for i in waiting.pop().inputs:
            if i is None or i in seen:
                continue
            seen.add(i)
            below = pass_.nodes[i]
            if below.leaf:
                leaves += 1
                if magnitude(pass_.leaf_at(below).added):
                    return False
            else:
                waiting.append(below)
    return leaves > 0


# ----------------------------------------------------------------------- numbers


def _word(node: Node) -> str:
    return node.op.partition("Backward")[0]


def _scale(pass_: Pass) -> float:
    """By how much the loss was scaled up (mixed precision): the largest gradient that one number received."""
    scale = 1.0
    for step in pass_.messages:
        got = step.received[0] if step.received else None
        if not isinstance(got, Summary) or math.prod(got.shape) != 1:
            break
        if got.norm is not None and math.isfinite(got.norm):
            scale = max(scale, got.norm)
    return scale


def _fading(pass_: Pass, weights: list[_Sized]) -> list[_Sized]:
    """Those on the way from the root to the last one that gets next to nothing, where the gradient fades over
    them; else none. Nets that stand side by side are not compared: their losses may have different units."""
    sizes = [size for _, size in weights]
    if len(sizes) < LAYERS or not min(sizes) < VANISHED * max(sizes):
        return []
    faint = [step.node for step, size in weights if size < VANISHED * max(sizes)]
    for far in islice(reversed(faint), TRIED):
        chain = _chain(pass_, weights, far)
        if _fades([size for _, size in chain]):
            return chain
    return []


def _chain(pass_: Pass, weights: list[_Sized], far: int) -> list[_Sized]:
    """The weights on the way from the root to one of them."""
    before, waiting = {far}, [far]
    while waiting:
        for user in pass_.users.get(waiting.pop(), ()):
            if user not in before:
                before.add(user)
                waiting.append(user)
    return [(step, size) for step, size in weights if _is_used_in(pass_, step.node, before)]


def _is_used_in(pass_: Pass, leaf: int, nodes: set[int]) -> bool:
    """Do some of these nodes use a leaf, as it is or transposed or cast?"""
    users = pass_.users.get(leaf, ())
    if any(user in nodes for user in users):
        return True
    return any(
        next_ in nodes
        for user in users
        if _word(pass_.nodes[user]) in _SAME
        for next_ in pass_.users.get(user, ())
    )


def _weights(leaves: list[Stepped]) -> list[_Sized]:
    """The weights in the order of the pass, with the root mean square of what each was added; no zeros."""
    found = []
    for step in leaves:
        added = step.accumulated.added if step.accumulated is not None else None
        if isinstance(added, Summary) and len(added.shape) > 1 and added.norm:
            found.append((step, added.norm / math.sqrt(math.prod(added.shape))))
    return found


def _fades(sizes: list[float]) -> bool:
    """Do they get smaller from quarter to quarter, down to next to nothing?"""
    if len(sizes) < LAYERS or not all(map(math.isfinite, sizes)):
        return False
    quarter = len(sizes) / 4
    middles = [median(sizes[int(i * quarter) : int((i + 1) * quarter)]) for i in range(4)]
    falling = all(later < earlier for earlier, later in pairwise(middles))
    return falling and middles[3] < VANISHED * middles[0]


def _grows(pass_: Pass) -> bool:
    """Do nodes receive much more than the first of them that received several numbers?

    Else large gradients are those of a loss of large numbers.
    """
    first, most = 0.0, 0.0
    for step in pass_.messages:
        got = step.received[0] if step.received and not ends_in_leaf(pass_, step.node) else None
        size = got.norm if isinstance(got, Summary) and math.prod(got.shape) > 1 else None
        if size is not None and math.isfinite(size):
            first, most = first or size, max(most, size)
    return most > LEAP * first


def _sent_zeros(step: Stepped) -> bool:
    """Did it receive something and send nothing but zeros?"""
    got = step.received[0] if step.received else None
    if not isinstance(got, Summary) or not got.norm or math.prod(got.shape) < UNITS or got.nonfinite:
        return False
    sent: list[Sent] = [item for item in step.sent if item is not None]
    return bool(sent) and all(magnitude(item.value) == 0 for item in sent)


def _before_weights(pass_: Pass, node: Node) -> bool:
    """Does what it made go through weights? A hinge in the loss itself is zero when its margin is met."""
    seen, waiting = {node.id}, [node.id]
    while waiting:
        for user in pass_.users.get(waiting.pop(), ()):
            if user in seen:
                continue
            seen.add(user)
            waiting.append(user)
            if any(
                i is not None and i not in seen and _is_weight(pass_, i) for i in pass_.nodes[user].inputs
            ):
                return True
    return False


def _is_weight(pass_: Pass, number: int) -> bool:
    """A leaf of two dimensions or more, or such a one transposed or cast."""
    node = pass_.nodes[number]
    if _word(node) in _SAME and node.inputs and node.inputs[0] is not None:
        node = pass_.nodes[node.inputs[0]]
    return node.leaf and isinstance(node.value, Summary) and len(node.value.shape) > 1


def _rows(pass_: Pass, activation: Node) -> float:
    """Entries for each unit in what an activation received."""
    runs = pass_.runs.get(activation.id)
    got = pass_.messages[runs[0] - 1].received[0] if runs else None
    shape = got.shape if isinstance(got, Summary) else ()
    return math.prod(shape) / shape[-1] if shape and shape[-1] else 0


def _activation(pass_: Pass, step: Stepped) -> Node | None:
    """The activation that the units of a bias go into, where its node stands right behind."""
    for sender in pass_.users.get(step.node, ()):
        for user in pass_.users.get(sender, ()):
            if _word(pass_.nodes[user]) in _SATURATING:
                return pass_.nodes[user]
    return None
