"""Stopping, by typed commands: breakpoints, and running over, out of and up to."""

from __future__ import annotations

from collections.abc import Callable

from gradtui.plain.desk import Desk
from gradtui.plain.position import Refused
from gradtui.session.errors import BadInput
from gradtui.trace import cursor as moves
from gradtui.trace import stops
from gradtui.trace.cursor import Cursor


def set_one(desk: Desk, text: str) -> None:
    """Set a breakpoint; without a text, list them."""
    run = desk.needs_program()
    if not text:
        listed(desk, "")
        return
    try:
        point = run.breakpoints.add(text)
    except BadInput as error:
        raise Refused(str(error)) from None
    desk.say(f"breakpoint {point.id}: {point.text}")


def listed(desk: Desk, _: str) -> None:
    """One line for each."""
    points = desk.needs_program().breakpoints.points
    if not points:
        raise Refused("no breakpoints; `break nonfinite` sets one")
    for point in points:
        count = desk.trace.hits.get(point.id, 0)
        how = [] if point.enabled else ["disabled"]
        how += [f"held {count} time{'s' if count != 1 else ''}"] if count else []
        desk.say(f"breakpoint {point.id}: {point.text}" + (f" ({', '.join(how)})" if how else ""))


def remove(desk: Desk, text: str) -> None:
    """Take one away."""
    _on_number(text, "delete", desk.needs_program().breakpoints.remove)
    desk.say(f"breakpoint {text} is gone")


def toggle(desk: Desk, text: str) -> None:
    """Disable one, or enable it again."""
    breakpoints = desk.needs_program().breakpoints
    _on_number(text, "toggle", breakpoints.toggle)
    enabled = breakpoints.numbered(int(text)).enabled
    desk.say(f"breakpoint {text} is {'enabled' if enabled else 'disabled'}")


def _on_number(text: str, word: str, do: Callable[[int], object]) -> None:
    if not text.isdecimal():
        raise Refused(f"{word} which breakpoint? write its number")
    try:
        do(int(text))
    except BadInput as error:
        raise Refused(str(error)) from None


def over(desk: Desk, _: str) -> None:
    """Past the module of the next node."""
    _leave(desk, False)


def out(desk: Desk, _: str) -> None:
    """Past the module around it."""
    _leave(desk, True)


def _leave(desk: Desk, beyond: bool) -> None:
    at = desk.position.state.cursor
    to = stops.leave(desk.trace, at, beyond) if at != moves.edge(desk.trace) else None
    if to is not None:
        desk.move_to(to)
    elif desk.go("out" if beyond else "over"):
        desk.show(findings=False)


def back_over(desk: Desk, _: str) -> None:
    """Back to before the module of the node that ran last."""
    _leave_backwards(desk, False)


def back_out(desk: Desk, _: str) -> None:
    """Back to before the module around it."""
    _leave_backwards(desk, True)


def _leave_backwards(desk: Desk, beyond: bool) -> None:
    to = stops.leave_backwards(desk.trace, desk.position.state.cursor, beyond)
    if to is None:
        raise Refused("this is the start of the pass")
    desk.move_to(to)


def until(desk: Desk, text: str) -> None:
    """To where a node is about to run."""
    node = desk.position.node(text)
    shown = desk.position.state.shown_pass
    runs = shown.runs.get(node.id) if shown is not None else None
    if shown is not None and runs:
        desk.move_to(Cursor(shown.number, runs[0] - 1))
    elif shown is not None and shown.ended is not None:
        raise Refused("the engine did not run this node in this pass")
    elif desk.go("node", node.id):
        desk.show(findings=False)
