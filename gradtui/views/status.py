"""The top line and the line below it: where am I, why stopped, what was found."""

from __future__ import annotations

from gradtui.trace import Finding, Pass, Trace
from gradtui.trace.cursor import Cursor, edge, place
from gradtui.trace.stops import why
from gradtui.views.absent import LIGHT
from gradtui.views.rows import Row, Span, row, width_of
from gradtui.views.state import State
from gradtui.wire.messages import Stopped


def where(state: State) -> Row:
    """`neuron.py  pass 1/1  step 3/10  stopped after a step`."""
    shown = state.shown_pass
    spans = [Span(f" {state.title} ", "title")]
    if shown is not None:
        spans += [
            Span(" pass ", "dim"),
            Span(f"{shown.number}", "strong"),
            Span(f"/{state.trace.passes.newest}", "dim"),
            *_step(state, shown),
            Span(f"  {shown.engine}", "dim"),
        ]
    elif state.gone:
        spans += [
            Span(" pass ", "dim"),
            Span(f"{state.cursor.number}", "strong"),
            Span(f"/{state.trace.passes.newest}", "dim"),
            Span("  let go", "warn"),
        ]
    if state.knobs:
        spans.append(Span(f"  {state.knobs}", "name"))
    return (*spans, Span("  "), *condition(state))


def _step(state: State, shown: Pass) -> Row:
    """`step 3/10`. Of a pass under way the total is known where each node runs once: in torch's."""
    if shown.light:
        return row((f"  {LIGHT}", "warn"))
    steps = len(shown.messages)
    growing = shown.ended is None and (not state.recording or state.opening is not None)
    failed = shown.ended is not None and shown.ended.failed is not None
    known = shown.engine == "torch" and shown.began.kind == "backward" and steps <= len(shown.nodes)
    total = str(steps) if not (growing or failed) else str(len(shown.nodes)) if known else "…"
    return row(("  step ", "dim"), (f"{state.cursor.step}", "strong"), (f"/{total}", "dim"))


def condition(state: State) -> Row:
    """Stopped, running, ended, or looking back."""
    trace = state.trace
    if trace.progress:
        return row((f"… {trace.progress}", "warn"))
    if state.opening is not None:
        return row((f"… reading the recording: {state.opening:.0%}", "warn"))
    if not state.at_edge:
        newest = edge(trace)
        if state.recording:
            return row((f"◀ recording, ends at {newest.number}:{newest.step}", "warn"))
        now = ", ended" if trace.exited is not None else ", it runs" if state.stopped is None else ""
        behind = f"looking back from {newest.number}:{newest.step}{now}"
        return row(("◀ " + behind, "warn"))
    if state.cut and trace.exited is None:
        return ()
    if state.recording and trace.exited is None:
        return row(("■ the recording breaks off here", "warn"))
    if trace.exited is not None:
        return _end(state)
    if state.stopped is not None:
        return row(("▮▮ " + _why(state, state.stopped), "now"))
    if state.reading:
        return row(("▶ waits for input: press i", "now"))
    if not trace.passes:
        return row(("▶ running, no backward pass yet", "good"))
    return row(("▶ running", "good"))


def _why(state: State, stopped: Stopped) -> str:
    shown = state.trace.pass_numbered(stopped.number)
    ended = None if shown is None else shown.ended
    if stopped.reason == "pass end" and ended is not None and ended.error:
        return "stopped: the exception has ended the pass"
    return why(stopped)


def _end(state: State) -> Row:
    exited = state.trace.exited
    assert exited is not None
    if exited.error:
        return row((f"■ {exited.error}", "bad"))
    if exited.code:
        return row((f"■ ended with exit code {exited.code}", "bad"))
    passes = f"{exited.passes} pass" + ("" if exited.passes == 1 else "es")
    return row((f"■ ran to its end, {passes}", "dim"))


def alert(state: State, room: int) -> Row | None:
    """The finding at the cursor; behind all of them the first, which has mostly brought on the others;
    between two the last one before. None where there is none.

    Where it takes more than `room` cells, the line at fault stands first: the end will be cut.
    """
    trace = state.trace
    places = _places(trace)
    findings = [finding for _, finding in places]
    if not findings:
        return None
    here = place(trace, state.cursor)
    past = [at for at, _ in places if at <= here]
    count = f"{len(findings)} finding{'s' if len(findings) > 1 else ''}"
    if not past:
        first = findings[0]
        return row((f" ⚠ {count}", "warn"), (f"  first at {first.pass_number}:{first.step}", "dim"))
    at = len(past) - 1
    if len(past) == len(findings) and past[at] != here:
        at = 0
    told = findings[at]
    which = f" ({at + 1} of {len(findings)})" if len(findings) > 1 else ""
    inside = f" in {told.module}" if told.module and told.source else ""
    kind = Span(f" ⚠ {told.kind}", "bad")
    where, message = f"{which}  {told.where.removeprefix('at ')}{inside}  ", told.message
    whole = row(kind, (where + message, ""))
    if not told.culprit or width_of(whole) <= room:
        return whole
    return row(kind, (where, ""), (f"by {told.culprit}", "bad"), (f"  {message}", ""))


def alert_key(state: State) -> Row:
    """The key that leads to what the alert speaks of; behind it, whole, where the alert is cut."""
    places, here = [at for at, _ in _places(state.trace)], place(state.trace, state.cursor)
    if here in places:
        return row(("  f lists all ", "dim"))
    between = any(at < here for at in places) and any(at > here for at in places)
    return row((f"  {'X' if between else 'x'} goes there ", "dim"))


def _places(trace: Trace) -> list[tuple[int, Finding]]:
    """The findings in the order of their places, as `x` goes through them."""
    places = [
        (place(trace, Cursor(finding.pass_number, finding.step)), finding) for finding in trace.findings
    ]
    return sorted(places, key=lambda item: item[0])


def empty(state: State) -> Row:
    """What stands in a pane while there is no pass."""
    trace = state.trace
    if state.gone:
        return row((f"Pass {state.cursor.number:,} was let go.", "warn"))
    if trace.exited is not None:
        return row(("The program ran to its end without a backward pass." if not trace.exited.error
                    else "There was no backward pass.", "dim"))  # fmt: skip
    return row(("No backward pass yet.", "dim"))
