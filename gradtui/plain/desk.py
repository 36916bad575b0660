"""What a command works on: the position, the program if there is one, and a way to say lines."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from typing import TextIO

from gradtui.plain import words
from gradtui.plain.live import Listener
from gradtui.plain.position import Position, Refused
from gradtui.session.run import Run
from gradtui.trace import Finding, Trace
from gradtui.trace import cursor as moves
from gradtui.trace.cursor import Cursor
from gradtui.views import watch
from gradtui.views.state import State
from gradtui.wire.messages import Event, Until

WIDTH = 80
"""Columns where no terminal tells."""


class Desk:
    """One program, or one recording (`run` is None then)."""

    def __init__(
        self,
        out: TextIO,
        position: Position,
        run: Run | None,
        interrupted: Callable[[], bool],
        interactive: bool,
    ) -> None:
        self._out = out
        self.position = position
        self.run = run
        self._interrupted = interrupted
        self._interactive = interactive
        self._listener: Listener | None = None
        self.leaving = False
        """Has the person asked to leave?"""
        if run is not None:
            self._listen(run)

    # ----------------------------------------------------------------- saying

    def say(self, line: str) -> None:
        """One line."""
        self._out.write(words.harmless(line) + "\n")

    def say_all(self, lines: Iterable[str]) -> None:
        """Lines; of many, until the person interrupts."""
        for line in lines:
            if self._interrupted():
                self.say("interrupted")
                return
            self.say(line)

    def flush(self) -> None:
        """What was said is with the reader now."""
        self._out.flush()

    @property
    def width(self) -> int:
        """Columns to wrap a step at."""
        return max(40, shutil.get_terminal_size((WIDTH, 24)).columns) if self._out.isatty() else WIDTH

    @property
    def trace(self) -> Trace:
        """The run so far."""
        return self.position.state.trace

    # ---------------------------------------------------------------- showing

    def show(self, findings: bool = True) -> None:
        """The step under the cursor, what was found there, and what the lesson says of it."""
        state = self.position.state
        if state.shown_pass is None:
            self.say(words.where(state))
            return
        self.say_all(words.step(state, self.width))
        at = state.cursor
        for found in self.trace.findings if findings else ():
            if (found.pass_number, found.step) == (at.number, at.step):
                self.say_all(words.finding(found))
        where = watch.elsewhere(state)
        for seen in watch.seen_at(state):
            verb = "raised" if seen.error else "="
            told = words.spoken(watch.told(seen)) + (f" ({where})" if where else "")
            self.say(f"watch: {seen.expression} {verb} {told}")
        if state.hint:
            self.say(f"hint: {' '.join(state.hint.split())}")

    def move_to(self, at: Cursor) -> None:
        """Go to a position of the trace and show it."""
        self.position.move_to(at)
        self.show()

    # ------------------------------------------------------------ the program

    def _listen(self, run: Run) -> None:
        self._listener = Listener(run, self.say, self._interrupted, self._interactive)

    def started(self) -> None:
        """The program has been started, for the first time or again: wait for its first stop."""
        run = self.run
        assert run is not None
        program, changed = run.program, {**run.plan.knobs, **run.inputs}
        self.position = Position(
            State(
                run.trace,
                run.plan.title,
                knobs=" ".join(f"{name}={value}" for name, value in changed.items()),
                lesson=program.lesson,
                hints=program.scenario.hints or {},
            )
        )
        self._listen(run)
        self._tell_apart(self._wait(hold=True))
        if not self._running:
            self.show()

    @property
    def _running(self) -> bool:
        """Is the program on its way? After a wait: has the person interrupted that?"""
        return self.run is not None and not self.run.stopped and self.run.session.exited is None

    def needs_program(self) -> Run:
        """The run. Raises `Refused` for a recording."""
        if self.run is None:
            raise Refused("this is a recording: there is no program to run")
        return self.run

    def go(self, until: Until, node: int = 0) -> bool:
        """At the live edge: let the program go on and wait. Has it come to another position, to be shown?

        One that runs (the person has interrupted the wait) is paused by `step`; `end` waits on. Raises
        `Refused` where there is nothing that could go on, or no way to go there from a program that runs.
        """
        if self.run is None:
            raise Refused("this is the end of the recording")
        if self.run.session.exited is not None:
            raise Refused("the program has ended; N goes back, r runs it again")
        before = self.position.state.cursor
        passes, steps = self.trace.passes.begun, len(self.trace.arrivals)
        runs = not self.run.stopped
        if not runs:
            self.run.go(until, node)
        elif until == "step":
            self.run.pause()
        elif until != "end":
            raise Refused("the program runs: n pauses it, c waits for it")
        held = self._wait(hold=until == "step")
        passes, steps = self.trace.passes.begun - passes, len(self.trace.arrivals) - steps
        at = self.position.state.cursor
        self._tell_apart(held, shown=at != before)
        if (until != "step" or runs) and at != before:
            new = f"{words.count(passes, 'new pass', 'new passes')}, " if passes else ""
            self.say(f"ran on: {new}{words.count(steps - passes, 'step')}")
        return (runs or at != before) and not self._running

    def _tell_apart(self, held: list[Finding], shown: bool = True) -> None:
        """Say the findings that were held back, but for those that go below the step that is shown."""
        at = self.position.state.cursor
        for found in held:
            if not shown or (found.pass_number, found.step) != (at.number, at.step):
                self.say_all(words.finding(found))

    def zero(self) -> None:
        """Zero the gradients held at the start of the pass, in the program, and show what it starts from."""
        run, listener = self.run, self._listener
        assert run is not None
        assert listener is not None
        run.zero()
        listener.wait_zeroed()
        self.show()

    def wait_for(self, *kinds: type[Event]) -> Event | None:
        """The answer of the program, which stands; None where it stands no more or the person interrupted."""
        assert self._listener is not None
        return self._listener.wait_for(*kinds)

    def _wait(self, hold: bool = False) -> list[Finding]:
        run, listener = self.run, self._listener
        assert run is not None
        assert listener is not None
        self._out.flush()
        held = listener.wait(hold)
        self._follow(run)
        if self._running:
            at = words.where(self.position.state)
            self.say("")  # below the terminal's own ^C
            self.say(f"the program still runs: {at}; n pauses it, c waits for it, q ends it")
        return held

    def _follow(self, run: Run) -> None:
        """Put the cursor where the program stands."""
        stop = run.session.stopped
        self.position.stand(stop)
        self.position.move_to(moves.edge(run.trace) if stop is None else Cursor(stop.number, stop.step))

    def catch_up(self) -> None:
        """Before a command: say what the program has sent since the last one."""
        run, listener = self.run, self._listener
        if run is None or listener is None or run.session.exited is not None:
            return
        at_edge = self.position.state.at_edge
        listener.catch_up()
        if at_edge and not self.position.state.at_edge:
            self._follow(run)
        self.position.stand(run.session.stopped)

    @property
    def exit_code(self) -> int:
        """The program's own where it has ended, 128 plus the signal that killed it; else 0."""
        exited = None if self.run is None else self.run.session.exited
        if exited is None:
            return 0
        return 128 - exited.code if exited.code < 0 else exited.code
