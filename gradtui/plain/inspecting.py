"""Commands that look into the program where it stands, and have it go on with something else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gradtui.plain import again, looking, words
from gradtui.plain.desk import Desk
from gradtui.plain.position import Refused
from gradtui.session.whatif import is_what_if
from gradtui.trace.figures import recorded
from gradtui.views import choices, tensor, watch
from gradtui.views.rows import row, text_of
from gradtui.views.whatif import changed_text, replaced_text
from gradtui.wire.messages import (
    Changed,
    Inspected,
    Node,
    Replaced,
    Watched,
)
from gradtui.wire.messages import Refused as CannotBe

_NAMED = re.compile(
    r"((?:received|sent)\[\d+\]|(?:saved\.\w+|output)(?:\[\d+\])?|buffer\.\w+|value|grad(?: before| after)?)"
    r"\s*(\[.*\])?"
)
_EVALUATED = re.compile(r"(.*\S)\s+(\[[-\d:.,\s]*\])")
FACES: tuple[tensor.Face, ...] = ("magnitudes", "values")
"""What is said of the entries: bars mean little when they are read aloud."""
ROWS = 70
"""Lines of numbers at most."""


# ----------------------------------------------------------------------- looking


def show(desk: Desk, text: str) -> None:
    """`print received[0] [0, :, 3]`: a tensor of the selected node; else a node."""
    found = _NAMED.fullmatch(text)
    state = desk.position.state
    named = {node.name for node in state.shown_pass.nodes.values()} if state.shown_pass is not None else set()
    if found is None or text in named:
        looking.show_node(desk, text)
    else:
        _tensor(desk, desk.position.node(""), found[1], found[2] or "")


def evaluate(desk: Desk, text: str) -> None:
    """`eval h.std()`, `eval model.fc.weight [0, :]`: an expression in the program, where it stands."""
    if not text:
        raise Refused("evaluate what? eval EXPRESSION, such as eval received[0].norm()")
    desk.needs_program()
    if not choices.standing(desk.position.state):
        raise Refused("the program does not stand here: goto end, where it stands")
    found = _EVALUATED.fullmatch(text)
    what, part = (found[1], found[2]) if found is not None else (text, "")
    _say(desk, None, _asked(desk, 0, what, part))


def _tensor(desk: Desk, node: Node, what: str, part: str) -> None:
    state = desk.position.state
    at = choices.coming(state)
    how = f"select {at.id}, then print received[0]" if at is not None else ""
    if never := choices.never(state, node, what):
        raise Refused(never)
    if desk.run is not None and choices.standing(state):
        seen = _asked(desk, node.id, what, part)
        if not seen.error or (part and what in seen.readable):
            _say(desk, node, seen)
            return
        refusal = seen.error
        if at is not node and what.startswith(("received", "sent")):
            refusal += choices.about_to_run(state, how)
    else:
        refusal = f"of {what} nothing was recorded up to here"
    known = {item.name: item.recorded for item in choices.tensors_of(state, node, ())}
    value = known.get(what)
    if value is None:
        others = ", ".join(name for name, kept in known.items() if kept is not None)
        raise Refused(refusal + (f"; recorded: {others}" if others else ""))
    if part and choices.standing(state):
        raise Refused(f"{refusal}; print {what}, without a slice, tells what was recorded")
    if part:
        raise Refused("a slice is read where the program stands: goto end, and print it there")
    _say(desk, node, choices.gone(recorded(node.id, what, value), state, how))


def _asked(desk: Desk, node: int, what: str, part: str) -> Inspected:
    question = desk.needs_program().inspect(node, what, part)
    while isinstance(seen := desk.wait_for(Inspected), Inspected):
        if seen.request == question:
            return seen
    raise Refused("the program did not answer")


def _say(desk: Desk, node: Node | None, seen: Inspected) -> None:
    if seen.error:
        raise Refused(seen.error)
    desk.say_all(words.spoken(line) for line in text_of(tensor.head(seen, node, words.UNBROKEN)).splitlines())
    desk.say_all(_entries(desk, seen))


def _entries(desk: Desk, seen: Inspected) -> Iterator[str]:
    if seen.grid is not None and len(seen.grid.values) > 1 and seen.decades is not None:
        for low, count in zip(seen.decades.edges, seen.decades.counts):
            if count:
                yield f"  from {low:g} to {low * 10:g} in magnitude: {count:,}"
    rows = tensor.face_rows(seen, "values", desk.width, ROWS)
    yield from text_of(rows[:ROWS]).splitlines()
    if len(rows) > ROWS:
        yield f"and {len(rows) - ROWS} more lines: a slice such as [{ROWS}:] shows them"


# ---------------------------------------------------------------------- watching


def watched(desk: Desk, text: str) -> None:
    """`watch EXPRESSION`: evaluate it at every stop. Alone: what the watched ones give here."""
    if text:
        run = desk.needs_program()
        run.watch((*run.plan.watches, *[text for _ in range(text not in run.plan.watches)]))
        if run.stopped:
            desk.wait_for(Watched)
    lines = list(told(desk))
    desk.say_all(lines)
    if not lines:
        desk.say("nothing is watched; watch EXPRESSION, such as watch g.norm()")


def unwatch(desk: Desk, text: str) -> None:
    """`unwatch EXPRESSION`, or its number in the list."""
    run = desk.needs_program()
    watches = run.plan.watches
    if text.isdecimal() and 0 < int(text) <= len(watches):
        text = watches[int(text) - 1]
    if text not in watches:
        raise Refused(f"'{text}' is not watched; `watch` lists what is")
    run.watch(tuple([other for other in watches if other != text]))
    if run.stopped:
        desk.wait_for(Watched)


def told(desk: Desk) -> Iterator[str]:
    """A line for each watched expression, with its number."""
    where = watch.elsewhere(desk.position.state)
    for i, seen in enumerate(watch.seen_at(desk.position.state), 1):
        verb = "raised" if seen.error else "="
        at = f" ({where})" if where else ""
        yield f"watch {i}: {seen.expression} {verb} {words.spoken(watch.told(seen))}{at}"


# ----------------------------------------------------------------------- what if


def set_one(desk: Desk, text: str) -> None:
    """`set g = EXPRESSION`, `set leaf = EXPRESSION`; else a knob."""
    run = desk.run
    knobs = {knob.name for knob in run.program.knobs} if run is not None else set()
    if not is_what_if(text) or text.partition("=")[0].strip() in knobs:
        again.set_knobs(desk, text)
        return
    run = desk.needs_program()
    if not choices.standing(desk.position.state):
        raise Refused("the program does not stand here: goto end, where it stands")
    node = desk.position.state.selected_node
    run.what_if(text, node.id if node is not None and node.leaf else None)
    match desk.wait_for(Replaced, Changed, CannotBe):
        case Replaced() as done:
            desk.say(words.spoken(text_of([row(replaced_text(done))])))
        case Changed() as done:
            shown = desk.trace.pass_numbered(done.number)
            assert shown is not None
            desk.say(words.spoken(changed_text(shown, done)))
        case CannotBe() as refused:
            raise Refused(refused.message)
        case None:
            raise Refused("the program did not answer")
