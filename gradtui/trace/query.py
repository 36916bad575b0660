"""Questions to a trace: who sent this, where is that node, at which step did something first happen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from gradtui.trace.cursor import NOWHERE, Cursor
from gradtui.trace.model import Pass
from gradtui.trace.numbers import is_finite, magnitude
from gradtui.trace.trace import Trace
from gradtui.wire.messages import Node, Stepped

Test = Callable[[Stepped], bool]


def who_sent(pass_: Pass, node: int) -> list[int]:
    """The nodes that sent to a node in this pass, in the order of arrival, each once."""
    return list(dict.fromkeys(a.sender for a in pass_.arrivals.get(node, [])))


def first_step_where(trace: Trace, test: Test, after: Cursor = NOWHERE) -> Cursor | None:
    """The first step after a position that passes a test."""
    for pass_ in trace.passes.since(after.number):
        skip = after.step if pass_.number == after.number else 0
        for message in pass_.messages[skip:]:
            if test(message):
                return Cursor(pass_.number, message.step)
    return None


def matching(trace: Trace, pass_: Pass, text: str) -> Iterator[Node]:
    """Nodes whose name, op or source line holds the text, in the order of the graph."""
    wanted = text.lower()
    for node in pass_.nodes.values():
        found = wanted in (node.name or "").lower() or wanted in node.op.lower()
        if found or (":" in wanted and wanted in (trace.source_of(node) or "").lower()):
            yield node


def in_order(pass_: Pass, nodes: Iterable[Node]) -> list[int]:
    """Their ids in the order in which they ran; those that have not run come last."""
    never = len(pass_.messages) + 1
    return sorted([node.id for node in nodes], key=lambda node: pass_.runs.get(node, [never])[0])


def next_of(pass_: Pass, found: list[int], selected: int | None, step: int) -> int:
    """The place in `found` of the one behind the selected node, else of the first that ran after a step."""
    if selected in found:
        return (found.index(selected) + 1) % len(found)
    later = (i for i, node in enumerate(found) if node not in pass_.runs or pass_.runs[node][0] > step)
    return next(later, 0)


_COMPARISON = re.compile(r"^norm\s*([<>])\s*([-+0-9.e]+)$", re.IGNORECASE)


def parse_test(text: str) -> Test | None:
    """`nonfinite`, `zero`, `overwrote`, `norm>10`, `norm<1e-6`: a test of what was sent; else None."""
    text = text.strip().lower()
    if text in ("nonfinite", "nan", "inf"):
        return lambda step: any(s is not None and not is_finite(s.value) for s in step.sent)
    if text == "zero":
        return lambda step: any(s is not None and magnitude(s.value) == 0 for s in step.sent)
    if text == "overwrote":
        return lambda step: any(s is not None and s.overwrote for s in step.sent)
    match = _COMPARISON.match(text)
    if match is None:
        return None
    try:
        limit = float(match.group(2))
    except ValueError:
        return None
    above = match.group(1) == ">"

    def compare(step: Stepped) -> bool:
        sizes = [magnitude(s.value) for s in step.sent if s is not None]
        return any(n is not None and (n > limit if above else n < limit) for n in sizes)

    return compare
