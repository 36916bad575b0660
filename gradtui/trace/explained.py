"""What the probe found out, as findings: its words, with the lines in the place of their stacks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gradtui.trace.findings import Finding, finding_at
from gradtui.trace.numbers import digits
from gradtui.wire.messages import Explained, Part

if TYPE_CHECKING:
    from gradtui.trace.trace import Trace


def explained(trace: Trace, event: Explained) -> Iterator[Finding]:
    """The finding that the probe's explanation is."""
    pass_ = trace.pass_numbered(event.number)
    message = said(trace, event.message)
    culprit = trace.line_of(event.culprit)
    if pass_ is not None and event.node in pass_.nodes:
        node = pass_.nodes[event.node]
        if event.kind == "nonfinite":
            message += _grown(trace, event.number)
        yield finding_at(trace, event.kind, pass_, event.step, node, culprit, message)
    else:
        source, fault = trace.show_place(trace.line_of(event.source)), trace.show_place(culprit)
        yield Finding(event.kind, event.number, event.step, 0, "", event.name, source, fault, message)


GROWN = 1e3
"""Growth of the loss, over this pass and those before it, after which it is told of."""
RISING = 3
"""So many passes in a row it must have grown."""


def _grown(trace: Trace, number: int) -> str:
    """Where the loss had grown from pass to pass until it was not finite any more."""
    lines, row = trace.lines, trace.lines.row(number)
    if row is None:
        return ""
    root = lines.root_of[row]
    losses: list[float] = []
    while row > 0:
        row -= 1
        if lines.root_of[row] != root:
            continue
        loss = abs(lines.losses[row])
        if not lines.known[row] or not (loss < (losses[-1] if losses else math.inf)):
            break
        losses.append(loss)
    if len(losses) < RISING or not losses[0] > GROWN * losses[-1]:
        return ""
    return (
        f". In the {len(losses)} passes before, the loss had grown from {digits(losses[-1], 3)} to "
        f"{digits(losses[0], 3)}: are the optimizer's steps too large (the learning rate)?"
    )


def said(trace: Trace, parts: tuple[Part, ...]) -> str:
    """A message in words and lines."""
    return "".join(
        part if isinstance(part, str) else trace.show_place(trace.line_of(part)) or "a line unknown"
        for part in parts
    )
