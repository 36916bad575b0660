"""A program and what is known of it: a session, the trace folded from it, and the way to start again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gradtui.session.knobs import check_settings
from gradtui.session.programs import Program, open_program
from gradtui.session.session import Plan, Session, Until
from gradtui.trace import Trace
from gradtui.wire.messages import Event


class Run:
    """What a face over a live program holds. Its trace is replaced when the program starts again."""

    def __init__(self, program: Program, plan: Plan) -> None:
        self.program = program
        self.plan = plan
        self.trace = Trace()
        self.session = Session(plan)

    def pump(self, timeout: float = 0.0) -> list[Event]:
        """Read what has arrived and fold it; returns the events."""
        events = self.session.pump(timeout)
        for event in events:
            self.trace.fold(event)
        return events

    def go(self, until: Until) -> None:
        """Let the stopped program go on."""
        self.session.go(until)

    @property
    def stopped(self) -> bool:
        """Does the program stand at a stop?"""
        return self.session.stopped is not None

    def restart(self, settings: Mapping[str, str]) -> None:
        """End the program and start it again with these knobs.

        The file is read anew. Raises `BadInput` before anything is ended when it can no longer be run.
        """
        program = open_program(str(self.plan.path))
        check_settings(program.knobs, settings)
        self.session.close()
        self.program = program
        self.plan = replace(self.plan, knobs=dict(settings))
        self.trace = Trace()
        self.session = Session(self.plan)

    def close(self) -> None:
        """End the program; nothing of it is left behind."""
        self.session.close()
