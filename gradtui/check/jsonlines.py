"""The headless contract: one ASCII JSON object a line, as docs/headless.md describes it."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from typing import Any

from gradtui.trace import Finding, Pass, Trace
from gradtui.trace.model import twin_of
from gradtui.trace.numbers import magnitude
from gradtui.trace.stops import why
from gradtui.wire.messages import (
    Accumulated,
    Changed,
    Event,
    Exited,
    Hello,
    Notice,
    Output,
    PassBegan,
    PassEnded,
    Replaced,
    Seen,
    Sent,
    Stepped,
    Stopped,
    Summary,
    Traced,
    Twin,
    Value,
    Watched,
    Zeroed,
)

CONTRACT = 1
"""Rises when a field changes its meaning or goes away; new fields and types may come without."""

Json = dict[str, Any]


def lines_of(trace: Trace, event: Event, findings: list[Finding]) -> Iterator[str]:
    """The lines that one event, just folded into `trace`, adds."""
    record = _record(trace, event)
    for item in (*([record] if record else ()), *_accounts(trace, event)):
        yield json.dumps(item, ensure_ascii=True, allow_nan=False)
    for finding in findings:
        yield json.dumps(finding_record(finding), ensure_ascii=True, allow_nan=False)


def _record(trace: Trace, event: Event) -> Json | None:
    match event:
        case Hello():
            program = os.path.basename(event.program)
            return {"type": "hello", "version": CONTRACT, "program": program}
        case Zeroed():
            return {"type": "zeroed", "pass": event.number, "nodes": list(event.nodes)}
        case PassBegan():
            return _pass(trace, trace.passes[-1])
        case Stepped():
            return _step(trace, event)
        case Output():
            return {"type": "output", "stream": event.stream, "text": event.text}
        case Stopped() if event.hits:
            hits = [
                {"breakpoint": hit.breakpoint, "count": hit.count, "node": hit.to, "value": tensor(hit.value)}
                for hit in event.hits
            ]
            step = {"pass": event.number, "step": event.step}
            return {"type": "stop", **step, "reason": why(event), "hits": hits}
        case Replaced():
            return {**_edited("replaced", event), "slot": event.slot}
        case Changed():
            return _edited("changed", event)
        case Watched():
            seen = [_seen(value) for value in event.values]
            return {"type": "watched", "pass": event.number, "step": event.step, "values": seen}
        case Traced():
            return {
                "type": "traced",
                "pass": event.number,
                "step": event.step,
                "node": event.node,
                "breakpoint": event.breakpoint,
                "text": event.text,
            }
        case Notice():
            return {"type": "notice", "pass": event.number, "message": event.message}
        case Exited():
            return {
                "type": "exit",
                "code": event.code,
                "passes": event.passes,
                "steps": event.steps,
                "error": event.error,
            }
    return None


def _pass(trace: Trace, pass_: Pass) -> Json:
    told: Json = {
        "type": "pass",
        "pass": pass_.number,
        "engine": pass_.engine,
        "nodes": len(pass_.nodes),
        "edges": pass_.edges,
        "root": {"name": pass_.root.name, "value": tensor(pass_.root.value)},
        "source": trace.show_place(trace.line_of(pass_.began.stack)),
    }
    held = [_held(pass_, node, value) for node, value in pass_.before.items() if magnitude(value) != 0]
    return {**told, "held": held} if held else told


def _edited(kind: str, event: Replaced | Changed) -> Json:
    """What the person put in the place of something."""
    return {
        "type": kind,
        "pass": event.number,
        "step": event.step,
        "node": event.node,
        "expression": event.expression,
        "before": tensor(event.before),
        "value": tensor(event.value),
    }


def _seen(seen: Seen) -> Json:
    """What a watched expression gave."""
    return {
        "expression": seen.expression,
        "value": tensor(seen.value),
        "text": seen.text or None,
        "error": seen.error or None,
    }


def _held(pass_: Pass, node: int, value: Value) -> Json:
    """A gradient that was there before the pass."""
    return {
        "node": node,
        "name": pass_.nodes[node].name,
        "value": tensor(value),
        "from": pass_.came_from.get(node),
        "used": node in pass_.used,
    }


def _step(trace: Trace, step: Stepped) -> Json:
    pass_ = trace.pass_numbered(step.number)
    assert pass_ is not None
    node = pass_.nodes[step.node]
    return {
        "type": "step",
        "pass": step.number,
        "step": step.step,
        "node": step.node,
        "op": node.op,
        "name": node.name,
        "module": node.module,
        "received": [tensor(value) for value in step.received],
        "sent": [_sent(sent) for sent in step.sent],
        "accumulated": _accumulated(pass_, step.accumulated),
        "twin": _twin(twin_of(node, step)),
        "source": trace.source_of(node),
    }


def _sent(sent: Sent | None) -> Json | None:
    return None if sent is None else {"to": sent.to, "value": tensor(sent.value)}


def _accumulated(pass_: Pass, account: Accumulated | None) -> Json | None:
    if account is None:
        return None
    return {
        "name": pass_.nodes[account.node].name,
        "before": tensor(account.before),
        "added": tensor(account.added),
        "after": tensor(account.after),
    }


def _twin(twin: Twin | None) -> Json | None:
    if twin is None:
        return None
    if twin.missing is not None:
        return {"missing": twin.missing}
    told: Json = {
        "op": twin.op,
        "value": tensor(twin.value),
        "received": [tensor(twin.received)],
        "sent": [tensor(value) for value in twin.sent],
    }
    if twin.local is not None:
        told["local"] = [tensor(value) for value in twin.local]
    return told


def _accounts(trace: Trace, event: Event) -> Iterator[Json]:
    """Leaves that a scalar engine never ran are accounted for at the pass's end."""
    if isinstance(event, PassEnded):
        pass_ = trace.pass_numbered(event.number)
        assert pass_ is not None
        for account in event.leaves:
            yield {
                "type": "accumulate",
                "pass": event.number,
                "node": account.node,
                "accumulated": _accumulated(pass_, account),
            }


def finding_record(finding: Finding) -> Json:
    """The contract's line for a finding."""
    return {
        "type": "finding",
        "kind": finding.kind,
        "pass": finding.pass_number,
        "step": finding.step,
        "node": finding.node or None,
        "op": finding.op or None if not finding.node else finding.op,
        "name": finding.name,
        "source": finding.source,
        "culprit": finding.culprit,
        "module": finding.module,
        "message": finding.message,
    }


def tensor(value: Value | None) -> Json | None:
    """The contract's `T`."""
    if value is None:
        return None
    if isinstance(value, Summary):
        return {
            "shape": list(value.shape),
            "dtype": value.dtype,
            "norm": _float(value.norm),
            "min": _float(value.min),
            "max": _float(value.max),
            "mean": _float(value.mean),
            "nonfinite": value.nonfinite,
            "values": None if value.values is None else [_float(v) for v in value.values],
        }
    number = _float(value)
    size = _float(abs(value))
    finite = math.isfinite(value)
    return {
        "shape": [],
        "dtype": "float64",
        "norm": size,
        "min": number,
        "max": number,
        "mean": number,
        "nonfinite": int(not finite),
        "values": [number],
    }


def _float(x: float | None) -> float | str | None:
    if x is None or math.isfinite(x):
        return x
    return "nan" if math.isnan(x) else "inf" if x > 0 else "-inf"
