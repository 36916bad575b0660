"""The rule `stale-gradient`: a pass added to a gradient that had been used, or that an inner node kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gradtui.trace.findings import Finding, finding_at
from gradtui.trace.model import Pass
from gradtui.trace.names import call, op_and_name
from gradtui.trace.numbers import short
from gradtui.wire.messages import Place, Stepped

if TYPE_CHECKING:
    from gradtui.trace.trace import Trace

KIND = "stale-gradient"
ROUNDING = 1e-9
"""Relative difference up to which a gradient is the sum of what a node held and what it was sent."""


def used_again(trace: Trace, pass_: Pass, leaves: tuple[int, ...]) -> Iterator[Finding]:
    """The pass added to gradients already used, and the sums have been used without a reset.

    One finding for all leaves, at the first of them in the order of the steps.
    """
    runs = {leaf: pass_.runs[leaf][0] if leaf in pass_.runs else len(pass_.messages) for leaf in leaves}
    first = min(leaves, key=lambda leaf: (runs[leaf], leaf))
    node = pass_.nodes[first]
    account = pass_.leaf_at(node)
    others = len(leaves) - 1
    more = f" (and {others} {'leaf' if others == 1 else 'leaves'} more)" if others else ""
    yield finding_at(
        trace, KIND, pass_, runs[first], node, _backward_line(trace, pass_),
        f"{call(node)}.grad{more} still held {short(account.before)}, the gradient of pass "
        f"{pass_.used.get(first, pass_.number - 1)} that was used already: {call(node)} has changed since. "
        f"Pass {pass_.number} added {short(account.added)} to it, and the sum {short(account.after)} was "
        "used again: zero the gradients after each update",
    )  # fmt: skip


def used_again_long_ago(trace: Trace, number: int, leaves: tuple[int, ...]) -> Iterator[Finding]:
    """The same of a pass that was let go meanwhile: told by what is left of it."""
    row = trace.lines.row(number)
    if row is None:
        return
    line = next((line for line in trace.lines.leaves(number) or () if line.node.id in leaves), None)
    node = line.node if line is not None else None
    what = "a gradient" if node is None else f"{call(node)}.grad"
    yield Finding(
        KIND,
        number,
        0,
        leaves[0] if node is None else node.id,
        "" if node is None else node.op,
        None if node is None else node.name,
        None if node is None else trace.source_of(node),
        trace.show_place(trace.line_of(trace.lines.roots[trace.lines.root_of[row]][1])),
        f"pass {number} added to {what} that was used already, and the sum was used again: "
        "zero the gradients after each update",
    )


def inner_node(trace: Trace, pass_: Pass, step: Stepped) -> Iterator[Finding]:
    """A scalar engine's inner node passed on a gradient that it still held from an earlier pass."""
    node = pass_.nodes[step.node]
    held = pass_.before.get(step.node)
    received = step.received[0] if step.received else None
    if pass_.engine != "scalar" or node.leaf or len(pass_.runs[step.node]) > 1:
        return
    if not isinstance(held, float) or not held or not isinstance(received, float):
        return
    arrived = pass_.ledger(step.node, step.step - 1)
    new = sum(a.sent.value for a in arrived if isinstance(a.sent.value, float))
    if node.id == pass_.root.id:
        new += 1.0
    elif not arrived or arrived[0].sent.before != held:  # it was reset, or gradients travel elsewhere
        return
    if abs(received - (held + new)) > ROUNDING * (abs(received) + abs(held) + abs(new)):
        return
    yield finding_at(
        trace, KIND, pass_, step.step, node, _backward_line(trace, pass_),
        f"{op_and_name(node)} began the pass with {short(held)} in its grad from an earlier one and "
        f"passed on {short(received)}, where this pass sent it {short(new)}: set the grad of every node of "
        "the graph back to 0 before its backward runs again, or make the graph anew",
    )  # fmt: skip


def _backward_line(trace: Trace, pass_: Pass) -> Place | None:
    """Where the program called backward without a reset before it."""
    return trace.line_of(pass_.began.stack)
