"""Findings: what went wrong in a pass, told from the stream alone.

A rule sees a pass after each step and names the first place of each fault. The same fault (same
kind, op, culprit line and line that made the node) is reported once; `Rules.repeats` counts the rest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradtui.trace.model import Pass
from gradtui.trace.numbers import is_finite, short
from gradtui.wire.messages import Node, Place, Sent, Stepped

if TYPE_CHECKING:
    from gradtui.trace.trace import Trace

RELATIVE = 1e-6
"""Relative difference from torch's contribution up to which ours agrees."""
ROUNDING = 4 * 2.220446049250313e-16
"""A contribution is told from grad before and after: its rounding error is of their size."""


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
        self._seen: dict[tuple[str, str, str | None, str | None], int] = {}

    @property
    def repeats(self) -> dict[tuple[str, str, str | None, str | None], int]:
        """How often each fault (kind, op, culprit, source) was seen."""
        return self._seen

    def at_begin(self, pass_: Pass) -> list[Finding]:
        """What the graph itself tells: forward values that are not finite."""
        return self._first_of_each(_nonfinite_forward(self._trace, pass_))

    def after_step(self, pass_: Pass, step: Stepped) -> list[Finding]:
        """What the step shows."""
        found: list[Finding] = []
        for rule in (_overwritten, _order, _twin_mismatch, _nonfinite):
            found.extend(rule(self._trace, pass_, step))
        return self._first_of_each(found)

    def at_end(self, pass_: Pass) -> list[Finding]:
        """What only the whole pass shows: nothing yet."""
        return []

    def _first_of_each(self, found: Iterator[Finding] | list[Finding]) -> list[Finding]:
        new = []
        for finding in found:
            key = (finding.kind, finding.op, finding.culprit, finding.source)
            count = self._seen[key] = self._seen.get(key, 0) + 1
            if count == 1:
                new.append(finding)
        return new


def call(node: Node) -> str:
    """How a message calls a node: its name, with the op where that is not the name."""
    if node.name:
        return node.name
    return f"'{node.op}' (node {node.id})" if node.op else f"node {node.id}"


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
    for sent in step.sent:
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


def _order(trace: Trace, pass_: Pass, step: Stepped) -> Iterator[Finding]:
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
    twin = step.twin
    if twin is None or twin.op is None or step.more:
        return
    node = pass_.nodes[step.node]
    first_run = pass_.runs[step.node][0] == step.step
    received = step.received[0] if step.received else None
    if step.node == pass_.root.id and first_run and received == 0 and twin.received:
        yield _finding(
            trace, "twin-mismatch", pass_, step.step, node, step.place,
            f"the pass began with a gradient of 0 at its root {call(node)}; torch begins with "
            f"{short(twin.received)}: set the root's grad to 1 before the first node runs",
        )  # fmt: skip
    expected = twin.local if twin.local is not None else twin.sent
    if node.leaf or (not expected and twin.missing):
        return
    theirs = _totals(zip(node.inputs, expected))
    ours, slack, culprit = _our_totals(_all_parts(pass_, step))
    for target in {**theirs, **ours}:
        e, g = theirs.get(target, 0.0), ours.get(target, 0.0)
        if _agree(g, e, slack.get(target, 0.0)):
            continue
        to = pass_.nodes[target]
        what = f"sent {short(g)} to {call(to)}" if target in ours else f"sent nothing to {call(to)}"
        yield _finding(
            trace, "twin-mismatch", pass_, step.step, node, culprit.get(target, step.place),
            f"the backward of '{node.op}' ({call(node)}) {what}; for the {short(received)} it received, "
            f"torch's {twin.op} sends {short(e)}",
        )  # fmt: skip


def _all_parts(pass_: Pass, step: Stepped) -> list[Sent | None]:
    """What a node sent in its whole run, where other nodes ran inside it."""
    sent = list(step.sent)
    for number in reversed(pass_.runs[step.node][:-1]):
        part = pass_.messages[number - 1]
        if not part.more:
            break
        sent[:0] = part.sent
    return sent


def _nonfinite(trace: Trace, pass_: Pass, step: Stepped) -> Iterator[Finding]:
    """A step turned finite gradients into NaN or Inf."""
    node = pass_.nodes[step.node]
    if not is_finite(node.value) or not all(is_finite(value) for value in step.received):
        return
    for sent in step.sent:
        if sent is not None and not is_finite(sent.value):
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
        if is_finite(node.value):
            continue
        operands = [pass_.nodes[i] for i in node.inputs if i is not None]
        if all(is_finite(operand.value) for operand in operands):
            of = ", ".join(f"{call(o)} = {short(o.value)}" for o in operands)
            yield _finding(
                trace, "nonfinite", pass_, 0, node, None,
                f"the forward value of {call(node)} is {short(node.value)}" + (f" (of {of})" if of else ""),
            )  # fmt: skip


# ----------------------------------------------------------------------- numbers


def _totals(pairs: Iterator[tuple[int | None, float | None]]) -> dict[int, float]:
    totals: dict[int, float] = {}
    for target, value in pairs:
        if target is not None and value is not None:
            totals[target] = totals.get(target, 0.0) + value
    return totals


def _our_totals(
    sent: list[Sent | None],
) -> tuple[dict[int, float], dict[int, float], dict[int, Place | None]]:
    """Per target: the sum sent, how far rounding may have blurred it, the last line that wrote it."""
    totals: dict[int, float] = {}
    slack: dict[int, float] = {}
    places: dict[int, Place | None] = {}
    for item in sent:
        if item is None or not isinstance(item.value, float):
            continue
        totals[item.to] = totals.get(item.to, 0.0) + item.value
        size = max(abs(item.before or 0.0), abs(item.after or 0.0))
        slack[item.to] = slack.get(item.to, 0.0) + ROUNDING * size
        places[item.to] = item.place
    return totals, slack, places


def _agree(a: float, b: float, slack: float) -> bool:
    if a == b or (math.isnan(a) and math.isnan(b)):
        return True
    return abs(a - b) <= RELATIVE * max(abs(a), abs(b)) + slack
