"""Having the program do something else: zero its gradients, read a line, run again with other numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from gradtui.session.errors import BadInput
from gradtui.session.knobs import show
from gradtui.session.run import Run
from gradtui.trace.history import Curve, Losses
from gradtui.tui.asking import Asking
from gradtui.tui.screens import Choice, ChoiceScreen
from gradtui.views.state import State

CURVES = 4
"""Loss curves of earlier runs that are kept."""
SPARE_AFTER = 0.3
"""Seconds after a run has come to its first stop in which it is left alone before a spare is started."""


def state_of(run: Run) -> State:
    """The state in which a run is shown first."""
    program = run.program
    changed = {**run.plan.knobs, **run.inputs}
    return State(
        run.trace,
        run.plan.path.name,
        knobs="  ".join(f"{name}={value}" for name, value in changed.items()),
        lesson=program.lesson,
        hints=program.scenario.hints or {},
    )


class Rerunning(Asking):
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

    def action_type(self) -> None:
        """Type a line for the program to read."""
        if self.program is None:
            self.say("A recording reads nothing.")
        else:
            self.debugger.open_pane("output")
            self.prompt.ask("a line for the program's input (ctrl+d: end of file)", self._typed, line=True)

    def _typed(self, text: str | None) -> None:
        assert self.program is not None
        try:
            if text is None:
                self.program.session.end_input()
                self.say("The program finds an end of file.")
            else:
                self.program.session.type(text + "\n")
        except BadInput as error:
            self.say(str(error), severity="warning")

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
            self.push_screen(
                ChoiceScreen("knobs and inputs  (enter runs the program again)", choices), self._chosen
            )

    def _chosen(self, choice: Choice | None) -> None:
        if choice is None:
            return
        run_again = self._turn if choice.knob else self._edit
        if choice.value is not None:
            run_again(choice.name, choice.value)
        else:
            self.prompt.ask(f"a value for {choice.name}", self._with(run_again, choice.name), choice.current)

    def action_edit(self) -> None:
        """Another number for the selected leaf; the program runs again with it."""
        program, node = self.program, self.state.selected_node
        if program is None:
            self.say("A recording cannot run again.")
            return
        inputs = {found.name: found.text for found in program.program.inputs}
        name = node.name if node is not None and node.leaf else None
        if name is not None and name in inputs:
            now = program.inputs.get(name, inputs[name])
            self.prompt.ask(f"{name} = ", self._with(self._edit, name), now)
        elif inputs:
            self.push_screen(
                ChoiceScreen("inputs  (enter to change one)", _input_choices(program)), self._chosen
            )
        else:
            self.say("No name in this program is given a literal number at the top level.")

    def _with(self, run_again: Callable[[str, str], None], name: str) -> Callable[[str | None], None]:
        return lambda text: run_again(name, text) if text else None

    def _turn(self, name: str, value: str) -> None:
        assert self.program is not None
        knobs = {**self.program.plan.knobs, name: value}
        self._again(lambda run: run.restart(knobs))

    def _edit(self, name: str, text: str) -> None:
        self._again(lambda run: run.edit(name, text))

    def action_restart(self) -> None:
        """Run the program again from the start, with knobs and inputs as they are."""
        if self.program is None:
            self.say("A recording cannot run again.")
        else:
            self._again(lambda run: run.restart())

    def _again(self, restart: Callable[[Run], None]) -> None:
        program, before = self.program, self.state
        assert program is not None
        curve = _curve(before)
        self.deafen()
        try:
            restart(program)
        except BadInput as error:
            self.say(str(error), severity="error", timeout=8)
            if program.session.exited is None:
                self.listen()
            return
        self.state = replace(state_of(program), leaf=before.leaf)
        self.debugger.passes.earlier = _kept(self.debugger.passes.earlier, curve, self.state.knobs)
        self.following, self.stepping, self.steps_owed = True, False, 0
        self.listen()
        self.debugger.show(self.state)


def _curve(state: State) -> Curve | None:
    """The loss curve of a run that ends now, None where it has had too few passes."""
    if len(state.trace.passes) < 2:
        return None
    losses = Losses(state.trace)
    losses.catch_up()
    longest = max(losses.series, key=lambda series: len(series.losses))
    return longest.curve(state.knobs or "as it was")


def _kept(earlier: Sequence[Curve], new: Curve | None, label: str) -> tuple[Curve, ...]:
    """Curves to draw beside the run that begins: one for each setting, but not for its own."""
    by_label = {curve.label: curve for curve in earlier}
    if new is not None:
        by_label.pop(new.label, None)
        by_label[new.label] = new
    by_label.pop(label or "as it was", None)
    return tuple(by_label.values())[-CURVES:]


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
