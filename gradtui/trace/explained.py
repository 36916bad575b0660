"""What the probe found out, as findings: its words, with the lines in the place of their stacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gradtui.trace.findings import Finding, finding_at
from gradtui.wire.messages import Explained, Part

if TYPE_CHECKING:
    from gradtui.trace.trace import Trace


def explained(trace: Trace, event: Explained) -> Iterator[Finding]:
    """The finding that the probe's explanation is."""
    pass_ = trace.pass_numbered(event.number)
    message = said(trace, event.message)
    culprit = trace.line_of(event.culprit)
    if pass_ is not None and event.node in pass_.nodes:
        yield finding_at(trace, event.kind, pass_, event.step, pass_.nodes[event.node], culprit, message)
    else:
        source, fault = trace.show_place(trace.line_of(event.source)), trace.show_place(culprit)
        yield Finding(event.kind, event.number, event.step, 0, "", event.name, source, fault, message)


def said(trace: Trace, parts: tuple[Part, ...]) -> str:
    """A message in words and lines."""
    return "".join(
        part if isinstance(part, str) else trace.show_place(trace.line_of(part)) or "a line unknown"
        for part in parts
    )
