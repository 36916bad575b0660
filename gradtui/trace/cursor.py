"""The cursor: the (pass, step) that a face shows. Moving it never touches the program."""

from __future__ import annotations

from dataclasses import dataclass

from gradtui.trace.model import Pass
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
    return Cursor(*trace.arrivals[-1]) if len(trace.arrivals) else NOWHERE


def forward(trace: Trace, at: Cursor) -> Cursor | None:
    """One step on, in the order in which the program went; None at the edge."""
    place = _place(trace, at) + 1
    return Cursor(*trace.arrivals[place]) if place < len(trace.arrivals) else None


def back(trace: Trace, at: Cursor) -> Cursor | None:
    """One step back in that order; None at the very first."""
    place = _place(trace, at) - 1
    return Cursor(*trace.arrivals[place]) if place >= 0 else None


def next_pass(trace: Trace, at: Cursor) -> Cursor | None:
    """The start of the next pass; None where there is none yet."""
    following = _neighbour(trace, at.number, +1)
    return None if following is None else Cursor(following.number, 0)


def previous_pass(trace: Trace, at: Cursor) -> Cursor | None:
    """The start of this pass, or of the one before when already there."""
    if at.step > 0:
        return Cursor(at.number, 0)
    before = _neighbour(trace, at.number, -1)
    return None if before is None else Cursor(before.number, 0)


def next_stop(trace: Trace, at: Cursor) -> Cursor:
    """The next place where the program was stopped for something else than a single step, or the edge."""
    here = _place(trace, at)
    later = [s for s in _stops(trace) if _place(trace, s) > here]
    return min(later, key=lambda s: _place(trace, s), default=edge(trace))


def previous_stop(trace: Trace, at: Cursor) -> Cursor:
    """The last such place before, or the very first position."""
    here = _place(trace, at)
    first = Cursor(*trace.arrivals[0]) if len(trace.arrivals) else NOWHERE
    earlier = [s for s in _stops(trace) if _place(trace, s) < here]
    return max(earlier, key=lambda s: _place(trace, s), default=first)


def next_finding(trace: Trace, at: Cursor) -> Cursor | None:
    """Where the next finding is; None after the last."""
    here = _place(trace, at)
    later = [c for c in _findings(trace) if _place(trace, c) > here]
    return min(later, key=lambda c: _place(trace, c), default=None)


def previous_finding(trace: Trace, at: Cursor) -> Cursor | None:
    """Where the finding before is; None before the first."""
    here = _place(trace, at)
    earlier = [c for c in _findings(trace) if _place(trace, c) < here]
    return max(earlier, key=lambda c: _place(trace, c), default=None)


def _findings(trace: Trace) -> list[Cursor]:
    return [Cursor(f.pass_number, f.step) for f in trace.findings]


def _stops(trace: Trace) -> list[Cursor]:
    return [Cursor(s.number, s.step) for s in trace.stops if s.reason != "step"]


def _place(trace: Trace, at: Cursor) -> int:
    """Where a position stands in the order of arrival; -1 before any pass."""
    pass_ = trace.pass_numbered(at.number)
    return pass_.reached[at.step] if pass_ is not None and at.step < len(pass_.reached) else -1


def parse(trace: Trace, text: str, at: Cursor) -> Cursor:
    """`7` (a step of this pass), `2:7` (of pass 2), `2:` (its start), `end`.

    Raises `ValueError` with the reason.
    """
    text = text.strip()
    if text in ("end", "$"):
        return edge(trace)
    number_text, colon, step_text = text.rpartition(":")
    try:
        number = int(number_text) if colon else at.number
        step = int(step_text) if step_text else 0
    except ValueError:
        raise ValueError(f"'{text}' is no step: write 7, or 2:7 for step 7 of pass 2") from None
    pass_ = trace.pass_numbered(number)
    if pass_ is None:
        count = len(trace.passes)
        raise ValueError(f"there is no pass {number} ({count} received so far)")
    if not 0 <= step <= len(pass_.messages):
        raise ValueError(f"pass {number} has {len(pass_.messages)} steps so far")
    return Cursor(number, step)


def _neighbour(trace: Trace, number: int, offset: int) -> Pass | None:
    index = _index(trace, number) + offset
    return trace.passes[index] if 0 <= index < len(trace.passes) else None


def _index(trace: Trace, number: int) -> int:
    """Passes are listed as they began, which is by number, except where threads race."""
    guess = number - 1
    if 0 <= guess < len(trace.passes) and trace.passes[guess].number == number:
        return guess
    return next((i for i, p in enumerate(trace.passes) if p.number == number), -1)
