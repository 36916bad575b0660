"""A run as lines of text: one line a step, for people without a screen."""

from __future__ import annotations

from collections.abc import Iterator

from gradtui.session.children import NOT_FOLLOWED
from gradtui.trace import Finding, Pass, Trace
from gradtui.trace.chainrule import output_of
from gradtui.trace.names import call, shortened
from gradtui.trace.numbers import short
from gradtui.trace.stops import met, why
from gradtui.wire.messages import (
    Accumulated,
    Changed,
    Event,
    Exited,
    Notice,
    PassBegan,
    PassEnded,
    Replaced,
    Sent,
    Stepped,
    Stopped,
    Traced,
    Zeroed,
)

UNSEEN = (
    "no backward pass was seen; those of processes that a program starts are not followed (what torchrun "
    "would start runs by itself: RANK=0 LOCAL_RANK=0 WORLD_SIZE=1 MASTER_ADDR=localhost MASTER_PORT=29500 "
    "gradtui run SCRIPT), and an engine of a shape of its own is made known by gradtui.engine(...)"
)


def lines_of(trace: Trace, event: Event, findings: list[Finding]) -> Iterator[str]:
    """The lines that one event, just folded into `trace`, adds. The program's output is not among them."""
    match event:
        case PassBegan():
            yield _pass(trace, trace.passes[-1])
            yield from _used(trace.passes[-1])
        case Zeroed():
            yield "      (gradients were zeroed by the person at the debugger)"
        case Stepped():
            pass_ = trace.pass_numbered(event.number)
            assert pass_ is not None
            yield _step(trace, pass_, event)
        case PassEnded():
            yield from _end(trace, event)
        case Replaced():
            became = f"{short(event.before)} became {short(event.value)}"
            where = f"received[{event.slot}] at {event.number}:{event.step}"
            yield f"      (the person replaced {where} by {event.expression}: {became})"
        case Changed():
            became = f"{short(event.before)} becomes {short(event.value)}"
            yield f"      (the person changes a leaf after this pass, {event.expression}: {became})"
        case Stopped():
            told = [why(event), *[met(trace.pass_numbered(event.number), hit) for hit in event.hits]]
            yield f"stopped at {event.number}:{event.step}  {'; '.join(filter(None, told))}"
        case Traced():
            yield f"tracepoint {event.breakpoint} at {event.number}:{event.step}  {event.text}"
        case Notice():
            yield f"notice: {event.message}"
        case Exited():
            for reason, nodes in trace.unchecked.items():
                yield f"{_count(nodes, 'node')} not compared with torch: {reason}"
            followed = not any(NOT_FOLLOWED in notice.message for notice in trace.notices)
            if not event.passes and not event.code and followed:
                yield UNSEEN
            yield farewell(trace, event)
    for finding in findings:
        yield from finding_lines(finding)


def _pass(trace: Trace, pass_: Pass) -> str:
    root = pass_.root
    where = trace.show_place(trace.line_of(pass_.began.stack))
    return (
        f"pass {pass_.number}  {pass_.engine}, {_count(len(pass_.nodes), 'node')}, "
        f"{_count(pass_.edges, 'edge')}, from {call(root)}"
        + (f" = {short(root.value)}" if root.value is not None else "")
        + (f"  {where}" if where else "")
    )


def _used(pass_: Pass) -> Iterator[str]:
    """Leaves that enter the pass with a gradient already used."""
    if pass_.used:
        node, number = next(iter(pass_.used.items()))
        more = f" and {_count(len(pass_.used) - 1, 'leaf', 'leaves')} more" if len(pass_.used) > 1 else ""
        yield f"      {call(pass_.nodes[node])}{more} still held the gradient of pass {number}, already used"


def _step(trace: Trace, pass_: Pass, step: Stepped) -> str:
    node = pass_.nodes[step.node]
    number = f"{step.step:4}" if trace.open_passes < 2 else f"{step.number}:{step.step}"
    head = f"{number:>4}  {node.op or 'leaf':18} {shortened(pass_.label(node), 32):24} "
    if step.accumulated is not None:
        account = step.accumulated
        body = _account(account)
    else:
        got = ", ".join(short(value) for value in step.received)
        sent = ", ".join(
            _contribution(pass_, sent, output_of(node, slot) if slot < len(node.inputs) else "")
            for slot, sent in enumerate(step.sent)
            if sent is not None
        )
        body = f"{got}  ->  {sent or 'nothing'}"
    source = trace.source_of(node)
    return (f"{head}{body}" + (f"  {source}" if source else "")).rstrip()


def _contribution(pass_: Pass, sent: Sent, output: str) -> str:
    to = shortened(pass_.label(pass_.nodes[sent.to]), 32) if sent.to in pass_.nodes else f"#{sent.to}"
    return f"{to}{output} {'=' if sent.sets or sent.overwrote else '+='} {short(sent.value)}"


def _account(account: Accumulated) -> str:
    return f"{short(account.before)} + {short(account.added)} = {short(account.after)}"


def _end(trace: Trace, event: PassEnded) -> Iterator[str]:
    pass_ = trace.pass_numbered(event.number)
    assert pass_ is not None
    for account in event.leaves:
        node = pass_.nodes[account.node]
        what = "(changed since)" if account.node in pass_.runs else "(not run)"
        yield f"      {what:18} {shortened(pass_.label(node), 32):24} {_account(account)}"
    if event.error:
        yield f"      the pass ended with {event.error}"


def finding_lines(finding: Finding) -> Iterator[str]:
    """A finding with its lines, for people."""
    where = f"pass {finding.pass_number}, step {finding.step}" if finding.node else finding.where
    yield f"finding: {finding.kind} ({where})"
    yield f"    {finding.message}"
    yield from (f"    {what + ':':10} {line}" for what, line in finding.lines)


def farewell(trace: Trace, exited: Exited) -> str:
    """`ran to its end: 2 passes, 18 steps, no findings`."""
    counts = f"{_count(exited.passes, 'pass', 'passes')}, {_count(exited.steps, 'step')}"
    findings = len(trace.findings)
    counts += f", {_count(findings, 'finding')}" if findings else ", no findings"
    if exited.error:
        return f"{exited.error} (exit code {exited.code}): {counts}"
    if exited.code:
        return f"ended with exit code {exited.code}: {counts}"
    return f"ran to its end: {counts}"


def _count(n: int, one: str, many: str | None = None) -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"
