"""The step under the cursor: what the node received, the chain rule per operand, a leaf's account."""

from __future__ import annotations

import os

from gradtui.trace import Pass, Step
from gradtui.trace.chainrule import Term, partial, terms
from gradtui.trace.names import call, symbol
from gradtui.trace.numbers import digits, magnitude, short
from gradtui.trace.stops import met
from gradtui.views.absent import LIGHT
from gradtui.views.gone import missing
from gradtui.views.graph import FAILED, NEXT
from gradtui.views.rows import Row, Span, row, width_of, wrapped
from gradtui.views.state import State
from gradtui.views.whatif import changed_rows, replaced_rows
from gradtui.wire.messages import Node


def rows_of(state: State, width: int) -> list[Row]:
    """The step pane."""
    shown = state.shown_pass
    step = state.step
    if shown is None:
        rows = missing(state, width)
    else:
        rows = _before_first(state, shown) if step is None else _step(state, shown, step, width)
        rows[1:1] = _met(state, shown)
        rows += changed_rows(shown, state.cursor.step) + _ending(state, shown)
    for finding in state.trace.findings:
        if (finding.pass_number, finding.step) == (state.cursor.number, state.cursor.step):
            rows.append(())
            told = finding.message
            if finding.kind == "nonfinite" and step is not None and step.message.why:
                told = "; ".join(step.message.why)  # what it received and sent stands above
            rows += wrapped(row((f"⚠ {finding.kind}: ", "bad"), told), width, "  ")
            for what, line in finding.lines:
                rows.append(row((f"  {what:9}  ", "dim"), (line, "bad" if what == "at fault" else "")))
    return [line for r in rows for line in (wrapped(r, width, "      ") if width_of(r) > width else [r])]


def _before_first(state: State, shown: Pass) -> list[Row]:
    root = shown.root
    rows = [
        row(("before the first step", "strong")),
        row("the pass starts from ", (call(root), "name"), *_equals(root)),
    ]
    where = state.trace.show_place(state.trace.line_of(shown.began.stack))
    if where:
        rows.append(row("called at ", (where, "dim")))
    if shown.light:
        rows.append(row((f"{LIGHT} but for its value: the program only watched for breakpoints", "warn")))
        return rows
    if shown.began.kind == "grad":
        rows.append(row(("this pass returns its gradients; no leaf accumulates", "dim")))
    return rows + _held(state, shown) + _replaced_next(state, shown)


def _held(state: State, shown: Pass) -> list[Row]:
    """What nodes hold of earlier passes, those with a used gradient first."""
    held = [n for n, value in shown.before.items() if magnitude(value) != 0 and n != shown.root.id]
    held.sort(key=lambda node: node not in shown.used)
    rows: list[Row] = []
    for node in held[:4]:
        name, value = Span(call(shown.nodes[node]), "name"), short(shown.before[node])
        if node in shown.used:
            old = Span(f" of pass {shown.used[node]}, which an update has already used", "bad")
            rows.append(row(("! ", "bad"), name, f".grad still holds {value}", old))
        else:
            origin = f" of pass {shown.came_from[node]}" if node in shown.came_from else ""
            rows.append(row(("! ", "warn"), name, f".grad already holds {value}{origin}"))
    if len(held) > 4:
        rows.append(row(("! ", "warn"), f"and {len(held) - 4} more"))
    stop = state.stopped
    if held and stop is not None and (stop.number, stop.step) == (shown.number, 0):
        rows.append(row(("  z zeroes them now, in the program", "dim")))
    return rows


def _equals(node: Node) -> list[Span]:
    return [] if node.value is None else [Span(" = "), Span(short(node.value), "number")]


def following(state: State) -> Row:
    """What runs next, or has failed: `› next: TanhBackward0  o`; empty where nothing is known."""
    shown, failed, coming = state.shown_pass, state.failed_node, state.next_node
    if shown is not None and failed is not None:
        return row((f"{FAILED} failed: ", "bad"), *_what(shown, shown.nodes[failed]))
    if shown is None or coming is None:
        return ()
    return row((f"{NEXT} next: ", "next"), *_what(shown, shown.nodes[coming]))


def _replaced_next(state: State, shown: Pass) -> list[Row]:
    """What the person has put in the place of what the next node receives."""
    coming = replaced_rows(shown, state.cursor.step + 1) if state.next_node is not None else []
    return [(), *coming] if coming else []


def _what(shown: Pass, node: Node) -> tuple[Span, Span]:
    op = f"{node.op}  " if node.op and node.op != node.name else ""
    return Span(op, "op"), Span(shown.symbol(node), "name")


def _met(state: State, shown: Pass) -> list[Row]:
    """Of the breakpoints that hold here: which gradient met their tests."""
    stop = state.stopped
    if stop is None or (stop.number, stop.step) != (shown.number, state.cursor.step):
        return []
    told = [(hit.text, met(shown, hit)) for hit in stop.hits]
    return [row((f"● {text}: ", "now"), gradient) for text, gradient in told if gradient]


def _step(state: State, shown: Pass, step: Step, width: int) -> list[Row]:
    node = step.node
    source = state.trace.source_of(node)
    op = node.op or ("leaf" if node.leaf else "?")
    name, made = shown.symbol(node), f"   {_made_at(node, source)}"
    rows = [row((op, "op"), "  ", (name, "name"), *_equals(node), (made, "dim"))]
    rows += _calls(state, node)
    rows += replaced_rows(shown, step.number)
    if node.leaf:
        rows += _leaf(step)
    else:
        rows += _node(shown, step, width)
    rows += _outside(shown, step)
    if step.message.more:
        rows.append(row(("  it goes on after the node that ran inside it", "dim")))
    return rows + _replaced_next(state, shown)


CALLS = 4
"""Frames of a library's that are told."""


def _calls(state: State, node: Node) -> list[Row]:
    """Where inside a library the node was made, innermost first: `inside modeling_gpt2.py:229 forward ← …`.

    Of torch's own frames nothing: its modules have their paths.
    """
    told = []
    for frame in state.trace.frames(node.stack):
        if frame.kind == "user":
            break
        path = state.trace.sources[frame.file].path if frame.file in state.trace.sources else ""
        if frame.kind == "library" and "/site-packages/torch/" not in path:
            told.append(f"{os.path.basename(path)}:{frame.line} {frame.function}")
    more = ["…"] if len(told) > CALLS else []
    return [row(("inside " + " ← ".join(told[:CALLS] + more), "dim"))] if told else []


def _made_at(node: Node, source: str | None) -> str:
    """`model.py:9 in module blocks.0.mlp`."""
    return " in ".join(part for part in (source, node.module and f"module {node.module}") if part)


def _node(shown: Pass, step: Step, width: int) -> list[Row]:
    node = step.node
    received = ", ".join(short(v) for v in step.received)
    rows: list[Row] = [row("received ", (partial(shown, node), "name"), " = ", (received, "number"))]
    found = terms(shown, step)
    rows.append(row("sent" if found else "sent nothing on"))
    for term in found:
        rows += _term(shown, term, width)
    return rows


def _term(shown: Pass, term: Term, width: int) -> list[Row]:
    spans = [Span("  "), Span(term.symbols), Span(" = ", "dim")]
    if term.numbers:
        spans += [Span(term.numbers, "number"), Span(" = ", "dim")]
    spans.append(Span(term.result, "now"))
    rows = wrapped(tuple(spans), width, "      ")
    if term.remark:
        rows.append(row(("      ≠ ", "bad"), term.remark))
    sent = term.sent
    if sent is not None and sent.before is not None and sent.after is not None:
        name = shown.symbol(term.target)
        if sent.overwrote:
            lost = f"{digits(sent.before)} was overwritten by {digits(sent.after)}"
            rows.append(row(("      ", ""), (f"{name}.grad: {lost}", "bad")))
        elif sent.before != 0:
            account = f"{digits(sent.before)} + {term.result} = {digits(sent.after)}"
            rows.append(row(("      ", ""), (f"{name}.grad: {account}", "dim")))
    return rows


def _leaf(step: Step) -> list[Row]:
    account = step.accumulated
    if account is None:
        return [row(("a leaf: it sends nothing on", "dim"))]
    name = symbol(step.node)
    before = "None" if account.before is None else short(account.before)
    return [
        row(
            (f"{name}.grad", "name"),
            ":  before ",
            (before, "number"),
            " + added ",
            (short(account.added), "now"),
            " = after ",
            (short(account.after), "strong"),
        )
    ]


def _outside(shown: Pass, step: Step) -> list[Row]:
    """Writes between the step before and this one: the root's first gradient, a reset."""
    rows: list[Row] = []
    for write in step.message.outside[:3]:
        node = shown.nodes.get(write.node)
        if node is None or write.before is None or write.after is None:
            continue
        name = Span(f"{symbol(node)}.grad", "name")
        if step.number == 1 and node.id in shown.began.roots:
            seed = f" to {digits(write.after)}, where the pass begins"
            rows.append(row(("backward() set ", "dim"), name, (seed, "dim")))
        else:
            change = f" {digits(write.before)} → {digits(write.after)}"
            rows.append(row(("before it, outside any node: ", "dim"), name, change))
    return rows


def _ending(state: State, shown: Pass) -> list[Row]:
    ended = shown.ended
    if ended is None or state.cursor.step < len(shown.messages):
        return []
    rows: list[Row] = [(), row(("the pass is over", "strong"))]
    if ended.error:
        rows = [row(("the pass ended with ", "bad"), ended.error)]
    for account in ended.leaves[:6]:
        name = symbol(shown.nodes[account.node])
        text = f"{short(account.before)} + {short(account.added)} = {short(account.after)}"
        rows.append(row("  not run by the engine: ", (f"{name}.grad", "name"), f" {text}"))
    waiting = len(shown.nodes) - len(shown.runs)
    if waiting and not ended.leaves and not shown.light:
        rows.append(row((f"  {waiting} node{'s' if waiting > 1 else ''} did not run", "dim")))
    return rows
