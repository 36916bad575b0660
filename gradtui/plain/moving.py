"""Commands that move: lower case forward, the same letter in upper case backwards, as on the screen."""

from __future__ import annotations

from gradtui.plain.desk import Desk
from gradtui.plain.looking import describe
from gradtui.plain.position import Refused
from gradtui.trace import cursor as moves
from gradtui.trace import query
from gradtui.trace.cursor import Cursor
from gradtui.views import gone
from gradtui.wire.messages import Node


def _beginning(desk: Desk) -> str:
    return gone.before(desk.position.state) or "this is the very beginning"


def _times(text: str) -> int:
    if not text:
        return 1
    if not text.isdecimal() or not int(text):
        raise Refused(f"'{text}' is no count: write a number of steps, such as 5")
    return int(text)


def forward(desk: Desk, text: str) -> None:
    """One step on: in the trace, or in the program at the live edge."""
    moved = False
    for _ in range(_times(text)):
        at = moves.forward(desk.trace, desk.position.state.cursor)
        if at is not None:
            desk.position.move_to(at)
        elif not moved or (desk.run is not None and desk.run.stopped):
            if not desk.go("step"):
                break
        else:
            break
        moved = True
    if moved:
        desk.show()


def back(desk: Desk, text: str) -> None:
    """Steps back; the program is not touched."""
    moved = False
    for _ in range(_times(text)):
        at = moves.back(desk.trace, desk.position.state.cursor)
        if at is None:
            break
        desk.position.move_to(at)
        moved = True
    if not moved:
        raise Refused(_beginning(desk))
    desk.show()


def go_on(desk: Desk, _: str) -> None:
    """To the next stop; at the live edge the program runs until something stops it."""
    at = desk.position.state.cursor
    if at != moves.edge(desk.trace):
        desk.move_to(moves.next_stop(desk.trace, at))
    elif desk.go("end"):
        desk.show(findings=False)


def previous_stop(desk: Desk, _: str) -> None:
    """Back to the last stop."""
    at = desk.position.state.cursor
    before = moves.previous_stop(desk.trace, at)
    if before == at:
        raise Refused("there is no stop before this")
    desk.move_to(before)


def next_pass(desk: Desk, _: str) -> None:
    """To the start of the next pass; at the last one the program runs to it."""
    following = moves.next_pass(desk.trace, desk.position.state.cursor)
    if following is not None:
        desk.move_to(following)
    elif desk.go("pass"):
        desk.show(findings=False)


def previous_pass(desk: Desk, _: str) -> None:
    """To the start of this pass, or of the one before."""
    at = moves.previous_pass(desk.trace, desk.position.state.cursor)
    if at is None:
        raise Refused(_beginning(desk))
    desk.move_to(at)


def next_finding(desk: Desk, _: str) -> None:
    """To the next finding."""
    at = moves.next_finding(desk.trace, desk.position.state.cursor)
    if at is None:
        raise Refused("no finding but this" if desk.trace.findings else "no findings so far")
    desk.move_to(at)


def previous_finding(desk: Desk, _: str) -> None:
    """To the finding before."""
    at = moves.previous_finding(desk.trace, desk.position.state.cursor)
    if at is None:
        raise Refused("no finding before this")
    desk.move_to(at)


def go_to(desk: Desk, text: str) -> None:
    """To a step that has been received: 7, 2:7, end."""
    if not text:
        raise Refused("to which step? goto 7, or goto 2:7 for step 7 of pass 2, or goto end")
    try:
        at = moves.parse(desk.trace, text, desk.position.state.cursor)
    except ValueError as error:
        raise Refused(str(error)) from None
    desk.move_to(at)


def to_node(desk: Desk, text: str) -> None:
    """To the step at which a node ran."""
    node = desk.position.node(text)
    shown = desk.position.state.shown_pass
    runs = shown.runs.get(node.id) if shown is not None else None
    if shown is None or not runs:
        raise Refused("this node has not run yet")
    desk.move_to(Cursor(shown.number, runs[0]))


def find(desk: Desk, text: str) -> None:
    """A test goes to the next step that passes it; other text selects the next node that has it."""
    if not text:
        raise Refused("find what? a part of a name or op; or nonfinite, zero, overwrote, norm>10")
    state = desk.position.state
    test, shown = query.parse_test(text), state.shown_pass
    if test is not None:
        at = query.first_step_where(desk.trace, test, state.cursor)
        if at is None:
            raise Refused(f"no step after this one: {text}")
        desk.move_to(at)
        return
    found = [] if shown is None else query.in_order(shown, query.matching(desk.trace, shown, text))
    if shown is None or not found:
        raise Refused(f"nothing in this graph is called '{text}'")
    place = query.next_of(shown, found, state.selected, state.cursor.step)
    _select(desk, shown.nodes[found[place]])


def select(desk: Desk, text: str) -> None:
    """Select a node; ledger, torch, list and print speak of it."""
    if not text:
        raise Refused("select which node? a name, an op or a number; `graph` lists them")
    _select(desk, desk.position.node(text))


def who(desk: Desk, _: str) -> None:
    """Select the node that sent to the selected one."""
    node, shown = desk.position.node(""), desk.position.state.shown_pass
    assert shown is not None
    senders = query.who_sent(shown, node.id) or shown.users.get(node.id, [])
    if not senders:
        raise Refused("nobody: the pass starts here")
    _select(desk, shown.nodes[senders[0]])


def _select(desk: Desk, node: Node) -> None:
    desk.position.select(node.id)
    describe(desk, node)
