"""Commands that run the program again."""

from __future__ import annotations

from gradtui.plain.desk import Desk
from gradtui.plain.position import Refused


def run(desk: Desk, _: str) -> None:
    """Run the program again from the start, with the knobs as they are."""
    _restart(desk, {})


def set_knobs(desk: Desk, text: str) -> None:
    """Run the program again with another knob."""
    desk.needs_program()
    changed = {}
    for pair in text.split():
        name, sign, value = pair.partition("=")
        if not sign or not name:
            raise Refused(f"'{pair}' sets nothing: write set NAME=VALUE; `knobs` lists the names")
        changed[name] = value
    if not changed:
        raise Refused("set what? set NAME=VALUE; `knobs` lists the names")
    _restart(desk, changed)


def edit(desk: Desk, text: str) -> None:
    """Run the program again with another number in place of one that stands in its file."""
    program = desk.needs_program()
    name, sign, value = (part.strip() for part in text.partition("="))
    if not sign or not name or not value:
        raise Refused("edit what? edit NAME=VALUE; `knobs` lists the names")
    program.edit(name, value)
    desk.started()


def _restart(desk: Desk, changed: dict[str, str]) -> None:
    program = desk.needs_program()
    program.restart({**program.plan.knobs, **changed})
    desk.started()


def zero(desk: Desk, _: str) -> None:
    """Zero the gradients that are held, in the program, at the start of a pass."""
    desk.needs_program()
    stop = desk.position.state.stopped
    if stop is None or stop.step or not desk.position.state.at_edge:
        raise Refused("the program zeroes at the start of a pass, where it stands: ] goes to the next")
    desk.zero()


def knobs(desk: Desk, _: str) -> None:
    """The program's knobs and inputs, and how they are set."""
    program = desk.needs_program()
    for knob in program.program.knobs:
        now = program.plan.knobs.get(knob.name)
        desk.say(f"knob {knob.describe()}" + (f", now {now}" if now is not None else ""))
    for found in program.program.inputs:
        now = program.inputs.get(found.name)
        desk.say(f"input {found.name}={found.text}" + (f", now {now}" if now is not None else ""))
    if not program.program.knobs:
        desk.say("this program has no knobs; a program has one with gradtui.knob(...)")
