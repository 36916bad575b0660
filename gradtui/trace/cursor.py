"""The cursor: the (pass, step) that a face shows. Moving it never touches the program.

Moves lead to passes that are kept. One that was let go is looked at where it is asked for by its number,
and from there the passes beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from gradtui.trace.trace import Trace


@dataclass(frozen=True, order=True, slots=True)
class Cursor:
    """After `step` steps of pass `number`; step 0 is before the first. Number 0: no pass yet."""

    number: int = 0
    step: int = 0


NOWHERE = Cursor()
"""Before any pass."""


def edge(trace: Trace) -> Cursor:
    """The newest position received so far."""
    return _cursor(trace.arrivals.last) or NOWHERE


def beginning(trace: Trace) -> Cursor:
    """The first position that can be gone to."""
    return _cursor(trace.arrivals.first) or NOWHERE


def forward(trace: Trace, at: Cursor) -> Cursor | None:
    """One step on, in the order in which the program went; None at the edge."""
    return _cursor(trace.arrivals.after(place(trace, at)))


def back(trace: Trace, at: Cursor) -> Cursor | None:
    """One step back in that order; None at the very first."""
    return _cursor(trace.arrivals.before(place(trace, at)))


def next_pass(trace: Trace, at: Cursor) -> Cursor | None:
    """The start of the next pass; None where there is none yet."""
    if trace.was_let_go(at.number) and trace.lines.row(at.number + 1) is not None:
        return Cursor(at.number + 1, 0)
    following = trace.passes.after(at.number)
    return None if following is None else Cursor(following, 0)


def previous_pass(trace: Trace, at: Cursor) -> Cursor | None:
    """The start of this pass, or of the one before when already there."""
    if at.step > 0:
        return Cursor(at.number, 0)
    if trace.was_let_go(at.number) and trace.lines.row(at.number - 1) is not None:
        return Cursor(at.number - 1, 0)
    before = trace.passes.before(at.number)
    return None if before is None else Cursor(before, 0)


def let_go_before(trace: Trace, at: Cursor) -> tuple[int, int] | None:
    """The first and the last of the passes that were let go right before this one; None if none were."""
    before = trace.passes.before(at.number) or 0
    return (before + 1, at.number - 1) if trace.was_let_go(at.number - 1) else None


def next_stop(trace: Trace, at: Cursor) -> Cursor:
    """The next place where the program was stopped for something else than a single step, or the edge."""
    return _cursor(trace.stops.after(place(trace, at))) or edge(trace)


def previous_stop(trace: Trace, at: Cursor) -> Cursor:
    """The last such place before, or the first position that can be gone to."""
    return _cursor(trace.stops.before(place(trace, at))) or beginning(trace)


def next_finding(trace: Trace, at: Cursor) -> Cursor | None:
    """Where the next finding is, behind the last one the first; None where all there are is here."""
    here, found = place(trace, at), _findings(trace)
    later = [c for c in found if place(trace, c) > here] or [c for c in found if place(trace, c) < here]
    return min(later, key=lambda c: place(trace, c), default=None)


def previous_finding(trace: Trace, at: Cursor) -> Cursor | None:
    """Where the finding before is; None before the first."""
    here = place(trace, at)
    earlier = [c for c in _findings(trace) if place(trace, c) < here]
    return max(earlier, key=lambda c: place(trace, c), default=None)


def _findings(trace: Trace) -> list[Cursor]:
    """Their positions; of a pass that was let go, its start stands for all of it."""
    kept = trace.passes
    found = [f for f in trace.findings if f.pass_number]  # before the first pass there is no place
    return [Cursor(f.pass_number, f.step if kept.has(f.pass_number) else 0) for f in found]


def place(trace: Trace, at: Cursor) -> int:
    """Where a position stands in the order of arrival; -1 before any pass."""
    return trace.place_of(at.number, at.step)


def _cursor(at: tuple[int, int] | None) -> Cursor | None:
    return None if at is None else Cursor(*at)


def parse(trace: Trace, text: str, at: Cursor) -> Cursor:
    """`7` (a step of this pass), `2:7` (of pass 2), `2:` (its start), `2:end`, `end`.

    Of a pass that was let go there is its line only: every step of it is its start.

    Raises `ValueError` with the reason.
    """
    text = text.strip()
    if text in ("end", "$"):
        return edge(trace)
    number_text, colon, step_text = text.rpartition(":")
    try:
        number = int(number_text) if colon else at.number
        last = bool(colon) and step_text == "end"
        step = int(step_text) if step_text and not last else 0
    except ValueError:
        raise ValueError(f"'{text}' is no step: write 7, or 2:7 for step 7 of pass 2, or 2:end") from None
    if trace.was_let_go(number):
        return Cursor(number, 0)
    pass_ = trace.pass_numbered(number)
    if pass_ is None:
        raise ValueError(f"there is no pass {number} ({trace.passes.begun} received so far)")
    if last:
        return Cursor(number, len(pass_.messages))
    if not 0 <= step <= len(pass_.messages):
        raise ValueError(f"pass {number} has {len(pass_.messages)} steps so far")
    return Cursor(number, step)
