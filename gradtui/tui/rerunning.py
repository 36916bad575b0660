"""Having the program do something else: zero its gradients, read a line, run again with other numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gradtui.session.errors import BadInput
from gradtui.session.knobs import show
from gradtui.session.run import Run
from gradtui.trace.history import Curve, Losses
from gradtui.trace.names import symbol
from gradtui.tui.breaking import Breaking
from gradtui.tui.screens import Choice, ChoiceScreen
from gradtui.views.state import State

CURVES, SERIES = 4, 4
"""Loss curves of earlier runs that are kept of a series, and series of which they are."""
SPARE_AFTER = 0.3
"""Seconds after a run has come to its first stop in which it is left alone before a spare is started."""


def state_of(run: Run) -> State:
    """The state in which a run is shown first."""
    program = run.program
    changed = {**run.plan.knobs, **run.inputs}
    return State(
        run.trace,
        run.plan.title,
        knobs="  ".join(f"{name}={value}" for name, value in changed.items()),
        has_knobs=bool(program.knobs),
        has_inputs=bool(program.inputs),
        lesson=program.lesson,
        hints=program.scenario.hints or {},
    )


class Rerunning(Breaking):
    """Actions on the program itself."""

    def listen(self) -> None:
        """Hear what the program sends. Of the app."""
        raise NotImplementedError

    def deafen(self) -> None:
        """Hear it no more. Of the app."""
        raise NotImplementedError

    # ------------------------------------------------------------ at a stop

    def action_zero(self) -> None:
        """Zero the gradients that the leaves hold, in the program, at the start of a pass."""
        program, stop = self.program, self.state.stopped
        if program is None or stop is None:
            self.say("Gradients can be zeroed where the program is stopped at the start of a pass.")
        elif stop.step or stop.next is None:
            self.say("This pass is under way. Gradients can be zeroed at its start: ] goes to the next.")
        else:
            program.zero()
            self.say("The gradients are zeroed, in the program: None stands in place of each.")

    def action_type(self) -> None:
        """Type a line for the program to read."""
        if self.program is None:
            self.prompt.refuse("A recording reads nothing.")
        else:
            self.debugger.open_pane("output")
            example = "for the program to read, whenever it does"
            self.prompt.ask("a line of input:", self._typed, "", example, "enter sends it", self._no_more)
            self.prompt.typed.password = self.program.session.secret

    def _typed(self, text: str) -> bool:
        assert self.program is not None
        try:
            self.program.session.type(text + "\n")
        except BadInput as error:
            self.say(str(error), severity="warning")
        return True

    def _no_more(self) -> None:
        assert self.program is not None
        try:
            self.program.session.end_input()
            self.say("The program finds an end of file.")
        except BadInput as error:
            self.say(str(error), severity="warning")

    def action_interrupt(self) -> None:
        """Interrupt the program, as Ctrl-C at its own terminal would."""
        program = self.program
        if program is None or not program.session.interrupt():
            self.say("Nothing is running.")
        else:
            self.following = True
            self.say("The program is sent what Ctrl-C sends at its own terminal.")

    # -------------------------------------------------------- running again

    def action_knobs(self) -> None:
        """Choose a knob or an input; the program runs again with it."""
        program = self.program
        if program is None:
            self.say("A recording cannot run again.")
            return
        choices = [*_knob_choices(program), *_input_choices(program)]
        if not choices:
            self.say("Nothing to turn here: no gradtui.knob(...), no name that is given a literal number.")
        else:
            heading = "knobs and inputs  (enter runs again, esc closes)"
            self.push_screen(ChoiceScreen(heading, choices), self._chosen)

    def _chosen(self, choice: Choice | None) -> None:
        if choice is None:
            return
        run_again = self._turn if choice.knob else self._edit
        if choice.value is not None:
            run_again(choice.name, choice.value)
        else:
            self._ask_value(run_again, choice.name, choice.current)

    def action_edit(self) -> None:
        """Another number for the selected leaf; the program runs again with it."""
        program, node = self.program, self.state.selected_node
        if program is None:
            self.prompt.refuse("A recording cannot run again.")
            return
        inputs = {found.name: found.text for found in program.program.inputs}
        name = node.name if node is not None and node.leaf else None
        if name is not None and name in inputs:
            now = program.inputs.get(name, inputs[name])
            self._ask_value(self._edit, name, now)
        elif inputs:
            why = f"{symbol(node)} is given no number in the program: " if node is not None else ""
            heading = f"{why}which input?" if len(why) < 50 else "which input?"
            self.push_screen(ChoiceScreen(heading, _input_choices(program)), self._chosen)
        else:
            self.say("No name in this program is given a literal number at the top level.")

    def _ask_value(self, run_again: Callable[[str, str], bool], name: str, now: str) -> None:
        self.prompt.ask(f"{name} =", lambda text: run_again(name, text), now, enter="enter runs again")

    def _turn(self, name: str, value: str) -> bool:
        assert self.program is not None
        knobs = {**self.program.plan.knobs, name: value}
        return self._again(lambda run: run.restart(knobs))

    def _edit(self, name: str, text: str) -> bool:
        return self._again(lambda run: run.edit(name, text))

    def action_restart(self) -> None:
        """Run the program again from the start, with knobs and inputs as they are."""
        if self.program is None:
            self.say("A recording cannot run again.")
        else:
            self._again(lambda run: run.restart())

    def _again(self, restart: Callable[[Run], None]) -> bool:
        """Run again; False where what was asked for is refused."""
        program, before = self.program, self.state
        assert program is not None
        curves = _curves(before, _setting(program))
        self.deafen()
        try:
            restart(program)
        except BadInput as error:
            self.say(str(error), severity="error", timeout=8)
            if program.session.exited is None:
                self.listen()
            return False
        self.state, self.leaf_before = state_of(program), before.leaf or self.leaf_before
        self.debugger.passes.earlier = _kept(self.debugger.passes.earlier, curves, _setting(program))
        self.following, self.stepping, self.owed = True, False, []
        self.listen()
        self.debugger.show(self.state)
        return True


def _setting(run: Run) -> str:
    """How a run was set, by which its curve is told from others: every knob, and what was edited."""
    knobs = {knob.name: show(knob.default) for knob in run.program.knobs}
    told = {**knobs, **run.plan.knobs, **run.inputs}
    return "  ".join(f"{name}={value}" for name, value in told.items()) or "as it was"


def _curves(state: State, setting: str) -> list[Curve]:
    """The loss curves of a run that ends now, of its longest series."""
    losses = Losses(state.trace)
    losses.catch_up()
    several = [series for series in losses.series if len(series.losses) > 1]
    several.sort(key=lambda series: -len(series.losses))
    return [series.curve(setting) for series in several[:SERIES]]


def _kept(earlier: Sequence[Curve], new: Sequence[Curve], setting: str) -> tuple[Curve, ...]:
    """Curves to draw beside the run that begins: one for each setting, but not for its own."""
    again = {(curve.label, curve.series) for curve in new}
    curves = [curve for curve in earlier if (curve.label, curve.series) not in again] + [*new]
    curves = [curve for curve in curves if curve.label != setting]
    of_one: dict[str, list[Curve]] = {}
    for curve in curves:
        of_one.setdefault(curve.series, []).append(curve)
    return tuple(curve for kept in of_one.values() for curve in kept[-CURVES:])


def _knob_choices(run: Run) -> list[Choice]:
    choices = []
    for knob in run.program.knobs:
        current = run.plan.knobs.get(knob.name, show(knob.default))
        values: list[str | None] = [show(value) for value in knob.options] or [None]
        choices += [Choice(True, knob.name, value, current) for value in values]
    return choices


def _input_choices(run: Run) -> list[Choice]:
    return [
        Choice(False, found.name, None, run.inputs.get(found.name, found.text))
        for found in run.program.inputs
    ]
