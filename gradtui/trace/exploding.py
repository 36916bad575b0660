"""Where in a pass a gradient became too large: run by run of one line, or at one place.

The thresholds are far from what correct training shows, as all of `flow.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gradtui.trace.findings import Finding, finding_at
from gradtui.trace.model import Pass
from gradtui.trace.names import call
from gradtui.trace.numbers import digits, magnitude, short
from gradtui.wire.messages import Stepped

if TYPE_CHECKING:
    from gradtui.trace.trace import Trace

EXPLODED = 1e6
"""Growth of the gradient over the runs of one line in a pass."""
RUNS = 8
"""So often a line must have run in a pass for that."""
LEAP = 1e3
"""Growth at one place from which it is told where the gradient jumps; and no less than half of all growth,
as orders of magnitude."""


def exploding_runs(trace: Trace, pass_: Pass, inner: list[Stepped]) -> Iterator[Finding]:
    """The gradient grew and grew over the runs of one line: a recurrent net, or layers in a loop."""
    runs: dict[tuple[str, int | None], list[tuple[float, Stepped]]] = {}
    for step in inner:
        node = pass_.nodes[step.node]
        norm = magnitude(step.received[0]) if step.received and not node.leaf else None
        if norm is not None and math.isfinite(norm) and norm > 0 and node.stack is not None:
            runs.setdefault((node.op, node.stack), []).append((norm, step))
    for grown in runs.values():
        if len(grown) < RUNS:
            continue
        (first, start), (last, step) = grown[0], grown[-1]
        middle = grown[len(grown) // 2][0]
        if last > EXPLODED * first and first < middle < last:
            node = pass_.nodes[step.node]
            leap = jump(trace, pass_, last / first, start.step)
            if leap is not None:
                at, told = leap
                node, message = pass_.nodes[at.node], f"the gradient explodes at one place: {told}"
                yield finding_at(trace, "exploding", pass_, at.step, node, None, message)
                return
            yield finding_at(
                trace, "exploding", pass_, step.step, node, None,
                f"the gradient explodes over the {len(grown)} runs of one line: {call(node)} received "
                f"{digits(last, 3)}, where the run nearest to the root received {digits(first, 3)} "
                f"({digits(last / first, 1)} times as much)",
            )  # fmt: skip
            return


def jump(trace: Trace, pass_: Pass, growth: float, since: int = 1) -> tuple[Stepped, str] | None:
    """The one place, from a step on, that makes most of a growth: a node, or a hook between what was sent
    and received.

    None where it is spread over several.
    """
    best, found = max(LEAP, math.sqrt(growth)), None
    for step in pass_.messages[since - 1 :]:
        got = magnitude(step.received[0]) if len(step.received) == 1 else None
        if not got or not math.isfinite(got):
            continue
        for sent in step.sent:
            value = None if sent is None or ends_in_leaf(pass_, sent.to) else magnitude(sent.value)
            if value is not None and math.isfinite(value) and value > best * got:
                best, found = value / got, (step, False, got, value)
        arrived = [magnitude(arrival.sent.value) for arrival in pass_.ledger(step.node)]
        came = math.fsum(norm or 0.0 for norm in arrived)
        if came > 0 and None not in arrived and got > best * came:
            best, found = got / came, (step, True, came, got)
    if found is None:
        return None
    step, hook, before, after = found
    node = pass_.nodes[step.node]
    line = trace.source_of(node)
    where = call(node) + (f" at {line}" if line else "")
    if hook:
        told = f"{where} was sent {digits(before, 3)} and received {digits(after, 3)}: a hook has made it so"
    else:
        told = f"{where} received {short(step.received[0])} and sent {digits(after, 3)}"
    return step, f"{told} ({digits(best, 1)} times as much)"


def ends_in_leaf(pass_: Pass, number: int) -> bool:
    """A leaf, or its transpose: what comes there goes no further, and is large where the forward was."""
    inner = [i for i in pass_.nodes[number].inputs if i is not None]
    return not inner or (len(inner) == 1 and pass_.nodes[inner[0]].leaf)
