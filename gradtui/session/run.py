"""A program and what is known of it: a session, the trace folded from it, and the way to start again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gradtui.session import remembered, whatif
from gradtui.session.breakpoints import Breakpoints
from gradtui.session.errors import BadInput
from gradtui.session.inputs import edits
from gradtui.session.knobs import check_settings
from gradtui.session.process import Started
from gradtui.session.programs import Program, open_module, open_program
from gradtui.session.session import Plan, Session
from gradtui.trace import Trace
from gradtui.wire.messages import Breakpoint, Change, Event, Inspect, Replace, Until


class Run:
    """What a face over a live program holds. Its trace is replaced when the program starts again."""

    def __init__(self, program: Program, plan: Plan, session: Session | None = None) -> None:
        """`session`: of a program that runs already."""
        self.program = program
        self.plan = plan
        self.inputs: dict[str, str] = {}
        """Inputs that have another value than in the file, as text."""
        self.breakpoints = Breakpoints(list(plan.breakpoints), self._set_breakpoints)
        self.trace = Trace(plan.keep)
        self.session = session or Session(plan)
        self._spare: Started | None = None
        self._closed = False
        self._asked = 0

    def pump(self, timeout: float = 0.0) -> list[Event]:
        """Read what has arrived and fold it; returns the events."""
        events = self.session.pump(timeout)
        for event in events:
            self.trace.fold(event)
        return events

    def go(self, until: Until, node: int = 0) -> None:
        """Let the stopped program go on; `node` is where `until="node"` goes."""
        self.session.go(until, node)

    def pause(self) -> None:
        """Stop the running program before its next node."""
        self.session.pause()

    def _set_breakpoints(self, points: tuple[Breakpoint, ...]) -> None:
        self.plan = replace(self.plan, breakpoints=points)
        remembered.save(self.program.path, [point.text for point in points])
        self.session.set_breakpoints(points)

    def inspect(self, node: int, what: str = "", part: str = "") -> int:
        """Ask for a tensor where the program stands; the number of the question, 0 where it does not."""
        self._asked += 1
        return self._asked if self.session.ask(Inspect(self._asked, node, what, part)) else 0

    def what_if(self, text: str, leaf: int | None = None) -> bool:
        """`g = EXPRESSION`: the node that is next runs with that. `leaf = EXPRESSION`: this leaf has that
        value when the pass is over. False where the program does not stand. Raises `BadInput`."""
        slot, expression = whatif.parse(text)
        if slot is not None:
            return self.session.ask(Replace(slot, expression))
        if leaf is None:
            raise BadInput("which leaf? select one first")
        return self.session.ask(Change(leaf, expression))

    def watch(self, expressions: tuple[str, ...]) -> None:
        """Evaluate these at every stop, in this run and in the next ones."""
        self.plan = replace(self.plan, watches=expressions)
        self.session.watch(expressions)

    def resize(self, columns: int) -> None:
        """The program's terminal is that wide, in this run and in the next ones."""
        self.plan = replace(self.plan, columns=columns)
        self.session.resize(columns)

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
        module = self.plan.module
        program = open_module(module) if module else open_program(str(self.plan.path))
        knobs = self.plan.knobs if settings is None else settings
        check_settings(program.knobs, knobs)
        changed = self.inputs if inputs is None else inputs
        given = {found.name: found.text for found in program.inputs}
        kept = {name: text for name, text in changed.items() if given.get(name) != text}
        plan = replace(self.plan, knobs=dict(knobs), edits=edits(program.inputs, kept), told=())
        self.session.close()
        self.program, self.plan, self.inputs = program, plan, kept
        self.trace = Trace(plan.keep)
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
        if self._spare is None and not self._closed and self.program.scenario.declared:
            self._spare = Started(self.plan.stdin, ready=True)

    def close(self) -> None:
        """End the program; nothing of it is left behind, and nothing more is started."""
        self._closed = True
        self.session.close()
        if self._spare is not None:
            self._spare.end()
            self._spare = None
