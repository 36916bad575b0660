"""A program and what is known of it: a session, the trace folded from it, and the way to start again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gradtui.session.inputs import edits
from gradtui.session.knobs import check_settings
from gradtui.session.process import Started
from gradtui.session.programs import Program, open_program
from gradtui.session.session import Plan, Session, Until
from gradtui.trace import Trace
from gradtui.wire.messages import Event


class Run:
    """What a face over a live program holds. Its trace is replaced when the program starts again."""

    def __init__(self, program: Program, plan: Plan) -> None:
        self.program = program
        self.plan = plan
        self.inputs: dict[str, str] = {}
        """Inputs that have another value than in the file, as text."""
        self.trace = Trace()
        self.session = Session(plan)
        self._spare: Started | None = None

    def pump(self, timeout: float = 0.0) -> list[Event]:
        """Read what has arrived and fold it; returns the events."""
        events = self.session.pump(timeout)
        for event in events:
            self.trace.fold(event)
        return events

    def go(self, until: Until) -> None:
        """Let the stopped program go on."""
        self.session.go(until)

    def zero(self) -> None:
        """Zero the gradients that the nodes hold, at the start of a pass."""
        self.session.zero()

    @property
    def stopped(self) -> bool:
        """Does the program stand at a stop?"""
        return self.session.stopped is not None

    # ---------------------------------------------------------- running again

    def restart(
        self, settings: Mapping[str, str] | None = None, inputs: Mapping[str, str] | None = None
    ) -> None:
        """End the program and start it again with these knobs and inputs; None leaves them as they are.

        The file is read anew. Raises `BadInput` before anything is ended when it can no longer be run.
        """
        program = open_program(str(self.plan.path))
        knobs = self.plan.knobs if settings is None else settings
        check_settings(program.knobs, knobs)
        changed = self.inputs if inputs is None else inputs
        given = {found.name: found.text for found in program.inputs}
        kept = {name: text for name, text in changed.items() if given.get(name) != text}
        plan = replace(self.plan, knobs=dict(knobs), edits=edits(program.inputs, kept))
        self.session.close()
        self.program, self.plan, self.inputs = program, plan, kept
        self.trace = Trace()
        spare, self._spare = self._spare, None
        if spare is not None and spare.process.poll() is not None:
            spare.end()
            spare = None
        self.session = Session(plan, spare)

    def edit(self, name: str, text: str) -> None:
        """Run again with another literal for an input. Raises `BadInput` like `restart`."""
        self.restart(inputs={**self.inputs, name: text})

    def prepare(self) -> None:
        """Have a spare process load torch for the next run. For lessons only; others do without."""
        if self._spare is None and self.program.scenario.declared:
            self._spare = Started(self.plan.stdin, ready=True)

    def close(self) -> None:
        """End the program; nothing of it is left behind."""
        self.session.close()
        if self._spare is not None:
            self._spare.end()
            self._spare = None
