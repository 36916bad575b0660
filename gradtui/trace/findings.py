"""Findings: what went wrong in a pass, told from the stream alone.

A rule sees a pass after each step and names the first place of each fault. The same fault (same
kind, op and statement at fault, or line of the node where no statement is known) is reported once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from gradtui.trace.model import Pass, twin_of
from gradtui.trace.names import call
from gradtui.trace.numbers import is_finite, short
from gradtui.wire.messages import Node, Place, Sent, Stepped, Summary

if TYPE_CHECKING:
    from gradtui.trace.trace import Trace

RELATIVE = 1e-6
"""Relative difference from torch's contribution up to which ours agrees."""
PRECISION = 2.220446049250313e-16
"""Relative rounding of a float64."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A diagnosis: kind, node, lines and the numbers behind it."""

    kind: str
    pass_number: int
    step: int
    """0 when it was there before the first step."""
    node: int
    op: str
    name: str | None
    source: str | None
    """`file:line` that made the node."""
    culprit: str | None
    """`file:line` of the statement at fault."""
    message: str


class Rules:
    """All rules, with what they remember between steps."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._seen: set[tuple[str, str, str | None]] = set()
        self._late: dict[int, Finding] = {}
        """By node: contributions of this pass that came after it had run, and the node not again yet."""
        self._nested = False
        """Have nodes run inside other nodes in this pass?"""
        self._held_back: list[Finding] = []
        self._sends = False
        """Has a step of this pass sent anything?"""

    def at_begin(self, pass_: Pass) -> list[Finding]:
        """What the graph itself tells: forward values that are not finite."""
        self._late.clear()
        self._held_back.clear()
        self._nested = self._sends = False
        return self._first_of_each(_nonfinite_forward(self._trace, pass_))

    def after_step(self, pass_: Pass, step: Stepped) -> list[Finding]:
        """What the step shows."""
        self._nested = self._nested or step.more
        found: list[Finding] = list(_overwritten(self._trace, pass_, step))
        found.extend(self._order(pass_, step))
        found.extend(self._mismatch(pass_, step))
        found.extend(_nonfinite(self._trace, pass_, step))
        return self._first_of_each(found)

    def at_end(self, pass_: Pass) -> list[Finding]:
        """What only the whole pass shows: contributions that came too late and were never passed on."""
        late = list(self._late.values())
        ended = pass_.ended
        if ended is not None and not any(write.after for write in ended.outside):
            late += self._held_back
        self._late, self._held_back = {}, []
        return self._first_of_each(late)

    def _mismatch(self, pass_: Pass, step: Stepped) -> list[Finding]:
        """Disagreements with torch, once the engine is seen to send in its steps at all.

        One that gathers its gradients elsewhere and writes them when it is done sends nothing.
        """
        found = list(_twin_mismatch(self._trace, pass_, step))
        self._sends = self._sends or any(sent is not None for sent in step.sent)
        if self._sends:
            found, self._held_back = self._held_back + found, []
        else:
            self._held_back += found
            found = []
        return found

    def _order(self, pass_: Pass, step: Stepped) -> Iterator[Finding]:
        """Contributions that arrived at a node that had run already.

        An engine whose nodes run inside each other may still be right: it runs the node again, for
        the late contribution alone. There the verdict waits for that run, or for the pass's end.
        """
        waiting = self._late.pop(step.node, None) if not step.more else None
        if waiting is not None and not _sent_for_the_rest(pass_, step):
            yield waiting
        for finding in _late_arrivals(self._trace, pass_, step):
            if self._nested:
                self._late.setdefault(finding.node, finding)
            else:
                yield finding

    def _first_of_each(self, found: Iterable[Finding]) -> list[Finding]:
        new = []
        for finding in found:
            key = (finding.kind, finding.op, finding.culprit or finding.source)
            if key not in self._seen:
                self._seen.add(key)
                new.append(finding)
        return new


def _finding(
    trace: Trace, kind: str, pass_: Pass, step: int, node: Node, culprit: Place | None, message: str
) -> Finding:
    return Finding(
        kind,
        pass_.number,
        step,
        node.id,
        node.op,
        node.name,
        trace.source_of(node),
        trace.show_place(culprit),
        message,
    )


# ------------------------------------------------------------------------- rules


def _overwritten(trace: Trace, pass_: Pass, step: Stepped) -> Iterator[Finding]:
    """A contribution replaced a gradient instead of adding to it."""
    node = pass_.nodes[step.node]
    expected = _whole(pass_, step)
    for item in step.sent:
        sent = None if item is None else _as_written(item, expected)
        if sent is None or not sent.overwrote or not isinstance(sent.value, float):
            continue
        target = pass_.nodes[sent.to]
        before = sent.before or 0.0
        yield _finding(
            trace,
            "overwritten-gradient",
            pass_,
            step.step,
            node,
            sent.place,
            f"the backward of '{node.op}' ({call(node)}) overwrote the gradient of {call(target)}: "
            f"it held {short(before)} and was set to {short(sent.value)}; "
            f"accumulating (+=) gives {short(before + sent.value)}",
        )


def _whole(pass_: Pass, step: Stepped) -> Parts:
    """Torch's contributions where a node runs once; a share of them could equal anything."""
    return (_expected(pass_, step) or []) if len(pass_.runs[step.node]) == 1 else []


def _as_written(sent: Sent, expected: Parts) -> Sent:
    """A write that looked at the old gradient and then replaced it all the same.

    It reads like an addition of the difference; but what it left there is torch's contribution alone.
    """
    before, after, value = sent.before, sent.after, sent.value
    if sent.overwrote or not before or after is None or not isinstance(value, float):
        return sent
    mine = [e for to, e in expected if to == sent.to and e]
    if any(_agree(value, e, _rounding(sent)) for e in mine) or not any(_agree(after, e, 0.0) for e in mine):
        return sent
    return msgspec.structs.replace(sent, value=after, overwrote=True)


def _late_arrivals(trace: Trace, pass_: Pass, step: Stepped) -> Iterator[Finding]:
    """A contribution arrived at a node that had run already."""
    sender = pass_.nodes[step.node]
    if pass_.engine == "torch":
        return
    for sent in step.sent:
        if sent is None or sent.to == step.node or pass_.nodes[sent.to].leaf:
            continue
        ran = pass_.ran_by(sent.to, step.step - 1)
        if ran is not None:
            target = pass_.nodes[sent.to]
            run = pass_.messages[ran - 1]
            got = run.received[0] if run.received else None
            yield _finding(
                trace,
                "order",
                pass_,
                ran,
                target,
                run.place,
                f"'{target.op}' ({call(target)}) ran at step {ran} with a gradient of {short(got)}, "
                f"before the contribution of {short(sent.value)} that {call(sender)} sent "
                f"at step {step.step}: nodes must run after everything that uses them",
            )


def _twin_mismatch(trace: Trace, pass_: Pass, step: Stepped) -> Iterator[Finding]:
    """What the step sent is not what torch sends for what it received."""
    twin = twin_of(pass_.nodes[step.node], step)
    if twin is None or twin.op is None or step.more:
        return
    node = pass_.nodes[step.node]
    received = step.received[0] if step.received else None
    if _starts_with_nothing(pass_, step):
        yield _finding(
            trace, "twin-mismatch", pass_, step.step, node, step.place,
            f"the pass began with a gradient of 0 at its root {call(node)}; torch begins with "
            f"{short(twin.received)}: set the root's grad to 1 before the first node runs",
        )  # fmt: skip
    expected = _expected(pass_, step)
    if expected is None:
        return
    parts = _all_parts(pass_, step)
    wrong = _wrong(parts, expected, node.precision, received if isinstance(received, float) else 0.0)
    if not wrong or _sent_for_the_rest(pass_, step):
        return
    told = [
        f"sent {short(ours)} to {call(pass_.nodes[target])}, where torch's {twin.op} sends {short(theirs)}"
        if ours is not None
        else f"sent nothing to {call(pass_.nodes[target])}, where torch's {twin.op} sends {short(theirs)}"
        for target, ours, theirs in wrong
    ]
    yield _finding(
        trace, "twin-mismatch", pass_, step.step, node, _culprit(step, parts, expected, wrong),
        f"the backward of '{node.op}' ({call(node)}) received {short(received)} and {'; and '.join(told)}",
    )  # fmt: skip


def _starts_with_nothing(pass_: Pass, step: Stepped) -> bool:
    """Is this the root's first run, and nobody has set its gradient?"""
    twin = twin_of(pass_.nodes[step.node], step)
    first = step.node == pass_.root.id and pass_.runs[step.node][0] == step.step
    return bool(first and step.received[:1] == (0,) and twin is not None and twin.received)


Parts = list[tuple[int, float]]
"""Contributions: to whom, how much."""


def _expected(pass_: Pass, step: Stepped) -> Parts | None:
    """Torch's contributions for what the step received, None where there are none to compare with."""
    node = pass_.nodes[step.node]
    twin = twin_of(node, step)
    if twin is None or twin.op is None or node.leaf:
        return None
    sent = twin.local if twin.local is not None else twin.sent
    if not sent and twin.missing:
        return None
    return [(to, value) for to, value in zip(node.inputs, sent) if to is not None and value is not None]


def _sent_for_the_rest(pass_: Pass, step: Stepped) -> bool:
    """Has a node that ran before sent what belongs to the gradient that came since, and no more?

    Then each run passes on its own share, and the sum is right. Contributions are proportional to
    what is received, so torch's answer for the whole gives the one for the share.
    """
    before = _earlier_run(pass_, step)
    expected = _expected(pass_, step)
    whole = step.received[0] if step.received else None
    if before is None or expected is None or not isinstance(whole, float) or not whole:
        return False
    earlier = before.received[0] if before.received else None
    share = (whole - earlier) / whole if isinstance(earlier, float) else 1.0
    share_of = [(to, value * share) for to, value in expected]
    return not _wrong(_all_parts(pass_, step), share_of, pass_.nodes[step.node].precision, whole)


def _earlier_run(pass_: Pass, step: Stepped) -> Stepped | None:
    """The end of the node's run before this one, None if this is the first."""
    runs = pass_.runs[step.node]
    for number in reversed(runs[: runs.index(step.step)]):
        part = pass_.messages[number - 1]
        if not part.more:
            return part
    return None


def _all_parts(pass_: Pass, step: Stepped) -> list[Sent]:
    """What a node sent in its whole run, where other nodes ran inside it."""
    expected = _whole(pass_, step)
    sent = [_as_written(item, expected) for item in step.sent if item is not None]
    runs = pass_.runs[step.node]
    for number in reversed(runs[: runs.index(step.step)]):
        part = pass_.messages[number - 1]
        if not part.more:
            break
        sent[:0] = [item for item in part.sent if item is not None]
    return sent


def _wrong(
    parts: list[Sent], expected: Parts, precision: float, received: float
) -> list[tuple[int, float | None, float]]:
    """Targets whose sum differs from torch's: (target, ours or None for nothing sent, torch's).

    A local derivative may be a difference of numbers of size 1 (1 - t**2 near saturation): what its
    rounding does to the contribution is of the size of the received gradient, not of the contribution.
    """
    local = 8 * precision * abs(received)
    theirs = _totals(expected)
    ours = _totals([(p.to, p.value) for p in parts if isinstance(p.value, float)])
    blurred = {p.to for p in parts if _blurred(p)}
    wrong: list[tuple[int, float | None, float]] = []
    for target in {**theirs, **ours}:
        if target in blurred:
            continue
        want, got = theirs.get(target, 0.0), ours.get(target, 0.0)
        slack = local + sum(_rounding(p, precision) for p in parts if p.to == target)
        if not _agree(got, want, slack, precision):
            wrong.append((target, ours.get(target), want))
    return wrong


def _culprit(
    step: Stepped, parts: list[Sent], expected: Parts, wrong: list[tuple[int, float | None, float]]
) -> Place | None:
    """The statement that wrote what torch does not send; for what was not written the step function."""
    targets = {target for target, _, _ in wrong}
    left = list(expected)
    for part in parts:
        if part.to not in targets or not isinstance(part.value, float):
            continue
        match = next((e for e in left if e[0] == part.to and _agree(part.value, e[1], _rounding(part))), None)
        if match is None:
            return part.place
        left.remove(match)
    return step.function or (parts[-1].place if parts else step.place)


def _nonfinite(trace: Trace, pass_: Pass, step: Stepped) -> Iterator[Finding]:
    """A step turned finite gradients into NaN or Inf."""
    node = pass_.nodes[step.node]
    if not is_finite(node.value) or not all(is_finite(value) for value in step.received):
        return
    for sent in step.sent:
        if sent is not None and not is_finite(sent.value) and not _blurred(sent):
            target = pass_.nodes.get(sent.to)
            got = ", ".join(short(value) for value in step.received)
            yield _finding(
                trace, "nonfinite", pass_, step.step, node, sent.place,
                f"'{node.op}' ({call(node)}) received {got} and sent {short(sent.value)}"
                + (f" to {call(target)}, whose value is {short(target.value)}" if target else ""),
            )  # fmt: skip
            return


def _nonfinite_forward(trace: Trace, pass_: Pass) -> Iterator[Finding]:
    """A forward value is NaN or Inf though its operands are finite."""
    for node in pass_.nodes.values():
        if is_finite(node.value) or (pass_.engine == "torch" and _is_mask(pass_, node)):
            continue
        operands = [pass_.nodes[i] for i in node.inputs if i is not None]
        if all(is_finite(operand.value) for operand in operands):
            of = ", ".join(f"{call(o)} = {short(o.value)}" for o in operands)
            yield _finding(
                trace, "nonfinite", pass_, 0, node, None,
                f"the forward value of {call(node)} is {short(node.value)}" + (f" (of {of})" if of else ""),
            )  # fmt: skip


def _is_mask(pass_: Pass, node: Node) -> bool:
    """Infinities on purpose, as attention has them: no NaN, and the pass starts from a finite value."""
    value = node.value
    entries = value.values if isinstance(value, Summary) else (value,)
    return is_finite(pass_.root.value) and not any(v is not None and v != v for v in entries or ())


# ----------------------------------------------------------------------- numbers


def _totals(pairs: Parts) -> dict[int, float]:
    totals: dict[int, float] = {}
    for target, value in pairs:
        totals[target] = totals.get(target, 0.0) + value
    return totals


def _blurred(part: Sent) -> bool:
    """Did it arrive where NaN or Inf was already? Then nobody can tell what it was."""
    return part.before is not None and not part.overwrote and not math.isfinite(part.before)


def _rounding(part: Sent, precision: float = PRECISION) -> float:
    """How far rounding may have blurred a contribution that was told from grad before and after."""
    return 4 * precision * max(abs(part.before or 0.0), abs(part.after or 0.0))


def _agree(a: float, b: float, slack: float, precision: float = PRECISION) -> bool:
    if a == b or (math.isnan(a) and math.isnan(b)):
        return True
    return abs(a - b) <= max(RELATIVE, 64 * precision) * max(abs(a), abs(b)) + slack
