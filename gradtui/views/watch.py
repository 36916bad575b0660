"""The watched expressions and what they gave at the last stop up to the cursor."""

from __future__ import annotations

from collections.abc import Iterator

from gradtui.trace.cursor import Cursor, place
from gradtui.trace.numbers import short
from gradtui.views.rows import Role, Row, fit, row
from gradtui.views.state import State
from gradtui.wire.messages import Seen, Watched


def seen_at(state: State) -> tuple[Seen, ...]:
    """As of the last stop up to the cursor."""
    last = _last(state)
    return () if last is None else last.values


def elsewhere(state: State) -> str:
    """`at 1:0`, where that stop was not here; '' where it was."""
    last = _last(state)
    here = last is None or Cursor(last.number, last.step) == state.cursor
    return "" if last is None or here else f"at {last.number}:{last.step}"


def _last(state: State) -> Watched | None:
    return state.trace.watched.at(place(state.trace, state.cursor))


def told(seen: Seen) -> str:
    """What it gave, in one line."""
    if seen.error:
        return seen.error
    return short(seen.value) if seen.value is not None else " ".join(seen.text.split())


def rows_of(state: State, width: int) -> list[Row]:
    """One line each; what raised says so."""
    rows = list(_rows(state, width))
    return rows or [row(("W watches an expression: g.norm(), model.fc.weight.grad, loss", "dim"))]


def _rows(state: State, width: int) -> Iterator[Row]:
    where = elsewhere(state)
    for seen in seen_at(state):
        room = max(8, width - len(seen.expression) - 3 - (len(where) + 2 if where else 0))
        text = ("! " if seen.error else "") + told(seen)
        text = fit(text, room) if len(text) > room else text
        role: Role = "warn" if seen.error else "dim" if where else "number"
        yield row(
            (seen.expression, "name"), (" = ", "dim"), (text, role), (f"  {where}" if where else "", "dim")
        )
