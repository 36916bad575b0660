"""The rules: each looks at one step (or at a pass as it begins) and tells what is wrong there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gradtui.trace.compare import (
    agree,
    all_parts,
    as_written,
    culprit,
    differences,
    is_blurred,
    rounding,
    same_sums,
    sent_for_the_rest,
    starts_with_nothing,
    torch_parts,
    total_sent,
    whole_run,
)
from gradtui.trace.findings import Finding, finding_at
from gradtui.trace.model import Pass, twin_of
from gradtui.trace.names import call, op_and_name
from gradtui.trace.numbers import is_finite, magnitude, number_of, short
from gradtui.wire.messages import Node, Stepped, Summary

if TYPE_CHECKING:
    from gradtui.trace.trace import Trace


def overwritten(trace: Trace, pass_: Pass, step: Stepped) -> Iterator[Finding]:
    """A contribution replaced a gradient instead of adding to it."""
    node = pass_.nodes[step.node]
    expected = whole_run(pass_, step)
    for item in step.sent:
        sent = None if item is None else as_written(item, expected)
        if sent is None or not sent.overwrote or not isinstance(sent.value, float):
            continue
        target = pass_.nodes[sent.to]
        before = sent.before or 0.0
        yield finding_at(
            trace,
            "overwritten-gradient",
            pass_,
            step.step,
            node,
            sent.place,
            f"the backward of {op_and_name(node)} overwrote the gradient of {call(target)}: "
            f"it held {short(before)} and was set to {short(sent.value)}; "
            f"accumulating (+=) gives {short(before + sent.value)}",
        )


def late_arrivals(trace: Trace, pass_: Pass, step: Stepped) -> Iterator[Finding]:
    """A contribution arrived at a node that had run already."""
    sender = pass_.nodes[step.node]
    for sent in step.sent:
        if sent is None or sent.to == step.node or pass_.nodes[sent.to].leaf:
            continue
        ran = pass_.ran_by(sent.to, step.step - 1)
        if ran is not None:
            target = pass_.nodes[sent.to]
            run = pass_.messages[ran - 1]
            got = run.received[0] if run.received else None
            yield finding_at(
                trace,
                "order",
                pass_,
                ran,
                target,
                run.place,
                f"{op_and_name(target)} ran at step {ran} with a gradient of {short(got)}, "
                f"before the contribution of {short(sent.value)} that {call(sender)} sent "
                f"at step {step.step}: nodes must run after everything that uses them",
            )


_TIES = ("Maximum", "Minimum", "Max", "Min", "Fmax", "Fmin")
_CORNERS = ("Abs", "Relu", "LeakyRelu", "Elu", "Hardtanh", "Clamp", "ClampMin", "ClampMax")


def _at_kink(pass_: Pass, node: Node, op: str) -> bool:
    """Is there no derivative here (max of equals, |0|)? Then any subgradient is as good as torch's."""
    word = op.partition("Backward")[0]
    values = [number_of(pass_.nodes[i].value) for i in node.inputs if i is not None]
    if word in _TIES:
        return len(values) > 1 and len(set(values)) < len(values)
    return word in _CORNERS and 0.0 in values


def ran_again(trace: Trace, pass_: Pass, step: Stepped) -> Iterator[Finding]:
    """A node that had run passed on its whole gradient once more.

    Running again is right where only what came since is passed on. What a node sends is proportional
    to what it received, so its first run tells what belongs to how much.
    """
    node, runs = pass_.nodes[step.node], pass_.runs[step.node]
    if node.leaf or len(runs) < 2:
        return
    first, before = pass_.messages[runs[0] - 1], pass_.messages[runs[-2] - 1]
    got, had = number_of(step.received[0]), number_of(before.received[0])
    began = number_of(first.received[0])
    if not got or not had or not began:
        return
    sent, once = total_sent(step), total_sent(first)
    rest = {to: value * (got - had) / began for to, value in once.items()}
    whole = {to: value * got / began for to, value in once.items()}
    if any(whole.values()) and same_sums(sent, whole) and not same_sums(sent, rest):
        yield finding_at(
            trace, "order", pass_, step.step, node, step.place,
            f"{op_and_name(node)} ran again at step {step.step} and passed on {short(got)}, of which "
            f"it had passed on {short(had)} at step {before.step}: that is counted twice. A node must run "
            "once, after everything that uses it",
        )  # fmt: skip


def unlike_torch(trace: Trace, pass_: Pass) -> Iterator[Finding]:
    """A leaf was sent another sum than torch sends it: something is wrong that no other rule has found."""
    if pass_.engine == "torch":
        return
    twins = ((node, node.twin.op) for node in pass_.nodes.values() if node.twin is not None and node.twin.op)
    if any(_at_kink(pass_, node, op) for node, op in twins):
        return
    for node in pass_.nodes.values():
        arrived = pass_.arrivals.get(node.id)
        twin = node.twin
        if not node.leaf or twin is None or twin.op is None or twin.received is None:
            continue
        if not arrived:  # its gradient came otherwise: as an argument, or all at the end
            yield from _unlike_account(trace, pass_, node, twin.received)
            continue
        parts = [a.sent for a in arrived if isinstance(a.sent.value, float)]
        if len(parts) < len(arrived) or any(is_blurred(part) or part.overwrote for part in parts):
            continue
        slack = sum(rounding(p, node.precision) + 1e-6 * abs(number_of(p.value) or 0.0) for p in parts)
        total = sum(number_of(part.value) or 0.0 for part in parts)
        if not agree(total, twin.received, slack, node.precision):
            yield finding_at(
                trace, "twin-mismatch", pass_, arrived[-1].step, node, None,
                f"{call(node)} was sent {short(total)} in this pass, where torch sends it "
                f"{short(twin.received)}",
            )  # fmt: skip
            return


def _unlike_account(trace: Trace, pass_: Pass, node: Node, torchs: float) -> Iterator[Finding]:
    leaf = pass_.leaf_at(node)
    added = number_of(leaf.added)
    if added and not leaf.before and not agree(added, torchs, 1e-6 * abs(torchs), node.precision):
        yield finding_at(
            trace, "twin-mismatch", pass_, len(pass_.messages), node, None,
            f"{call(node)} was given {short(added)} in this pass, where torch gives it {short(torchs)}",
        )  # fmt: skip


def twin_mismatch(trace: Trace, pass_: Pass, step: Stepped) -> Iterator[Finding]:
    """What the step sent is not what torch sends for what it received."""
    twin = twin_of(pass_.nodes[step.node], step)
    if twin is None or twin.op is None or step.more:
        return
    node = pass_.nodes[step.node]
    received = step.received[0] if step.received else None
    if starts_with_nothing(pass_, step):
        yield finding_at(
            trace, "twin-mismatch", pass_, step.step, node, step.place,
            f"the pass began with a gradient of 0 at its root {call(node)}; torch begins with "
            f"{short(twin.received)}: set the root's grad to 1 before the first node runs",
        )  # fmt: skip
    expected = torch_parts(pass_, step)
    if expected is None or _at_kink(pass_, node, twin.op):
        return
    parts = all_parts(pass_, step)
    if not parts and any(pass_.messages[number - 1].more for number in pass_.runs[step.node]):
        return  # gradients travel as arguments from call to call: its operands write them themselves
    wrong = differences(parts, expected, node.precision, received if isinstance(received, float) else 0.0)
    if not wrong or sent_for_the_rest(pass_, step):
        return
    told = [
        f"sent {short(ours)} to {call(pass_.nodes[target])}, where torch's {twin.op} sends {short(theirs)}"
        if ours is not None
        else f"sent nothing to {call(pass_.nodes[target])}, where torch's {twin.op} sends {short(theirs)}"
        for target, ours, theirs in wrong
    ]
    yield finding_at(
        trace, "twin-mismatch", pass_, step.step, node, culprit(step, parts, expected, wrong),
        f"the backward of {op_and_name(node)} received {short(received)} and {'; and '.join(told)}",
    )  # fmt: skip


def nonfinite(trace: Trace, pass_: Pass, step: Stepped) -> Iterator[Finding]:
    """A step turned finite gradients into NaN or Inf.

    Not where the forward has ended in NaN or Inf already: that is told, and this its consequence.
    """
    for sent in step.sent:  # asked first: nearly always all is well
        if sent is not None and not is_finite(sent.value):
            break
    else:
        return
    if pass_.engine == "torch" and not is_finite(pass_.root.value):
        return
    node = pass_.nodes[step.node]
    good = is_finite(node.value) or (pass_.engine == "torch" and _is_mask(pass_, node))
    if not good or not all(is_finite(value) for value in step.received):
        return
    for sent in step.sent:
        if sent is not None and not is_finite(sent.value) and not is_blurred(sent):
            target = pass_.nodes.get(sent.to)
            got = ", ".join(short(value) for value in step.received)
            at = sent.place or step.function or trace.line_of(node.stack)
            found = finding_at(
                trace, "nonfinite", pass_, step.step, node, at,
                f"{op_and_name(node)} received {got} and sent {short(sent.value)}"
                + (f" to {call(target)}" if target else "")
                + (f", whose value is {short(target.value)}" if target and target.value is not None else "")
                + "".join(f"; {why}" for why in step.why),
            )  # fmt: skip
            if not any(_is_one_fault(found, other) for other in trace.findings):
                yield found
            return


def _is_one_fault(found: Finding, other: Finding) -> bool:
    """Are two of one kind told of one line in one pass? `p * log(p)` goes bad on both of its ways."""
    same = (found.kind, found.pass_number, found.culprit) == (other.kind, other.pass_number, other.culprit)
    return same and found.culprit is not None


def made_bad_between(trace: Trace, pass_: Pass, step: Stepped) -> Iterator[Finding]:
    """Torch: what was sent to a node is finite, what it received is not. A hook of the program's is between.

    The sum of several contributions may be too large, but it is not NaN.
    """
    if all(map(is_finite, step.received)):
        return
    arrived = [arrival.sent.value for arrival in pass_.arrivals.get(step.node, ())]
    if not arrived or pass_.replaced or any(magnitude(v) is None or not is_finite(v) for v in arrived):
        return
    if len(arrived) > 1 and not any(
        (norm := magnitude(v)) is not None and norm != norm for v in step.received
    ):
        return
    node, got = pass_.nodes[step.node], ", ".join(short(value) for value in step.received)
    sent = ", ".join(short(value) for value in arrived)
    yield finding_at(
        trace, "nonfinite", pass_, step.step, node, step.function,
        f"{call(node)} was sent {sent} and received {got}: a hook has made it so"
        + "".join(f"; {why}" for why in step.why),
    )  # fmt: skip


def nonfinite_forward(trace: Trace, pass_: Pass) -> Iterator[Finding]:
    """A forward value is NaN or Inf though its operands are finite.

    Where the root or a leaf of a torch pass is not finite the probe looks into the saved tensors and tells.
    """
    if pass_.engine == "torch" and not all(
        is_finite(node.value) for node in pass_.nodes.values() if node.leaf or node is pass_.root
    ):
        return
    for node in pass_.nodes.values():
        if is_finite(node.value) or (pass_.engine == "torch" and _is_mask(pass_, node)):
            continue
        if node.leaf and isinstance(node.value, float) and math.isinf(node.value):
            continue  # where a running maximum starts
        operands = [pass_.nodes[i] for i in node.inputs if i is not None]
        if all(is_finite(operand.value) for operand in operands):
            of = ", ".join(f"{call(o)} = {short(o.value)}" for o in operands)
            yield finding_at(
                trace, "nonfinite", pass_, 0, node, trace.line_of(node.stack),
                f"the forward value of {call(node)} is {short(node.value)}" + (f" (of {of})" if of else ""),
            )  # fmt: skip


def _is_mask(pass_: Pass, node: Node) -> bool:
    """Infinities on purpose, as attention has them: no NaN, and the pass starts from a finite value."""
    value = node.value
    entries = value.values if isinstance(value, Summary) else (value,)
    return is_finite(pass_.root.value) and not any(v is not None and v != v for v in entries or ())
