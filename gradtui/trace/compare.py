"""What a scalar engine's step sent, beside what torch sends for what it received.

Both may be off by rounding, a contribution may be told in parts, and one that arrived where NaN was
already tells nothing: comparing them is a subject of its own.
"""

from __future__ import annotations

import math

import msgspec

from gradtui.trace.model import Pass, twin_of
from gradtui.wire.messages import Place, Sent, Stepped

RELATIVE = 1e-6
"""Relative difference from torch's contribution up to which ours agrees."""


PRECISION = 2.220446049250313e-16
"""Relative rounding of a float64."""


Parts = list[tuple[int, float]]
"""Contributions: to whom, how much."""


def torch_parts(pass_: Pass, step: Stepped) -> Parts | None:
    """Torch's contributions for what the step received, None where there are none to compare with."""
    node = pass_.nodes[step.node]
    twin = twin_of(node, step)
    if twin is None or twin.op is None or node.leaf:
        return None
    sent = twin.local if twin.local is not None else twin.sent
    if not sent and twin.missing:
        return None
    return [(to, value) for to, value in zip(node.inputs, sent) if to is not None and value is not None]


def whole_run(pass_: Pass, step: Stepped) -> Parts:
    """Torch's contributions where a node runs once; a share of them could equal anything."""
    return (torch_parts(pass_, step) or []) if len(pass_.runs[step.node]) == 1 else []


def sent_for_the_rest(pass_: Pass, step: Stepped) -> bool:
    """Has a node that ran before sent what belongs to the gradient that came since, and no more?

    Then each run passes on its own share, and the sum is right. Contributions are proportional to
    what is received, so torch's answer for the whole gives the one for the share.
    """
    before = _earlier_run(pass_, step)
    expected = torch_parts(pass_, step)
    whole = step.received[0] if step.received else None
    if before is None or expected is None or not isinstance(whole, float) or not whole:
        return False
    earlier = before.received[0] if before.received else None
    share = (whole - earlier) / whole if isinstance(earlier, float) else 1.0
    share_of = [(to, value * share) for to, value in expected]
    return not differences(all_parts(pass_, step), share_of, pass_.nodes[step.node].precision, whole)


def _earlier_run(pass_: Pass, step: Stepped) -> Stepped | None:
    """The end of the node's run before this one, None if this is the first."""
    runs = pass_.runs[step.node]
    for number in reversed(runs[: runs.index(step.step)]):
        part = pass_.messages[number - 1]
        if not part.more:
            return part
    return None


def all_parts(pass_: Pass, step: Stepped) -> list[Sent]:
    """What a node sent in its whole run, where other nodes ran inside it."""
    expected = whole_run(pass_, step)
    sent = [as_written(item, expected) for item in step.sent if item is not None]
    runs = pass_.runs[step.node]
    for number in reversed(runs[: runs.index(step.step)]):
        part = pass_.messages[number - 1]
        if not part.more:
            break
        sent[:0] = [item for item in part.sent if item is not None]
    return sent


def as_written(sent: Sent, expected: Parts) -> Sent:
    """A write that looked at the old gradient and then replaced it all the same.

    It reads like an addition of the difference; but what it left there is torch's contribution alone.
    """
    before, after, value = sent.before, sent.after, sent.value
    if sent.overwrote or not before or after is None or not isinstance(value, float):
        return sent
    mine = [e for to, e in expected if to == sent.to and e]
    if any(agree(value, e, rounding(sent)) for e in mine) or not any(agree(after, e, 0.0) for e in mine):
        return sent
    return msgspec.structs.replace(sent, value=after, overwrote=True)


def differences(
    parts: list[Sent], expected: Parts, precision: float, received: float
) -> list[tuple[int, float | None, float]]:
    """Targets whose sum differs from torch's: (target, ours or None for nothing sent, torch's).

    A local derivative may be a difference of numbers of size 1 (1 - t**2 near saturation): what its
    rounding does to the contribution is of the size of the received gradient, not of the contribution.
    """
    local = 8 * precision * abs(received)
    theirs = _totals(expected)
    ours = _totals([(p.to, p.value) for p in parts if isinstance(p.value, float)])
    blurred = {p.to for p in parts if is_blurred(p)}
    wrong: list[tuple[int, float | None, float]] = []
    for target in {**theirs, **ours}:
        if target in blurred:
            continue
        want, got = theirs.get(target, 0.0), ours.get(target, 0.0)
        slack = local + sum(rounding(p, precision) for p in parts if p.to == target)
        if not agree(got, want, slack, precision):
            wrong.append((target, ours.get(target), want))
    return wrong


def total_sent(step: Stepped) -> dict[int, float]:
    """What a step sent to each node, summed."""
    sent = [item for item in step.sent if item is not None]
    return _totals([(item.to, item.value) for item in sent if isinstance(item.value, float)])


def same_sums(ours: dict[int, float], theirs: dict[int, float]) -> bool:
    """Do two accounts agree, but for rounding?"""
    size = max(map(abs, (*ours.values(), *theirs.values())), default=0.0)
    return all(agree(ours.get(to, 0.0), theirs.get(to, 0.0), RELATIVE * size) for to in {**ours, **theirs})


def culprit(
    step: Stepped, parts: list[Sent], expected: Parts, wrong: list[tuple[int, float | None, float]]
) -> Place | None:
    """The statement that wrote what torch does not send; for what was not written the step function."""
    targets = {target for target, _, _ in wrong}
    left = list(expected)
    for part in parts:
        if part.to not in targets or not isinstance(part.value, float):
            continue
        match = next((e for e in left if e[0] == part.to and agree(part.value, e[1], rounding(part))), None)
        if match is None:
            return part.place
        left.remove(match)
    return step.function or (parts[-1].place if parts else step.place)


def starts_with_nothing(pass_: Pass, step: Stepped) -> bool:
    """Is this the root's first run, and nobody has set its gradient?"""
    twin = twin_of(pass_.nodes[step.node], step)
    first = step.node == pass_.root.id and pass_.runs[step.node][0] == step.step
    if pass_.replaced_in(step.step):
        return False
    return bool(first and step.received[:1] == (0,) and twin is not None and twin.received)


def _totals(pairs: Parts) -> dict[int, float]:
    totals: dict[int, float] = {}
    for target, value in pairs:
        totals[target] = totals.get(target, 0.0) + value
    return totals


def is_blurred(part: Sent) -> bool:
    """Did it arrive where NaN or Inf was already? Then nobody can tell what it was."""
    return part.before is not None and not part.overwrote and not math.isfinite(part.before)


def rounding(part: Sent, precision: float = PRECISION) -> float:
    """How far rounding may have blurred a contribution that was told from grad before and after."""
    return 4 * precision * max(abs(part.before or 0.0), abs(part.after or 0.0))


def agree(a: float, b: float, slack: float, precision: float = PRECISION) -> bool:
    if a == b or (math.isnan(a) and math.isnan(b)):
        return True
    return abs(a - b) <= max(RELATIVE, 64 * precision) * max(abs(a), abs(b)) + slack
