"""Whether the program stops, and what it is told while it stands. A stop blocks the thread it happens in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING

from gradtui.probe.after_pass import AfterPass
from gradtui.probe.breakpoints import FINITE, Armed, Frames
from gradtui.probe.expressions import apart, message_of, raised
from gradtui.probe.impossible import Impossible
from gradtui.probe.spot import Spot
from gradtui.probe.watching import Watches
from gradtui.wire.channel import Closed, Outlet
from gradtui.wire.messages import (
    Break,
    Command,
    Event,
    Go,
    Hit,
    Node,
    Notice,
    Pause,
    Reason,
    Refused,
    Stopped,
    Traced,
    Value,
    Watch,
    Watched,
)
from gradtui.wire.modules import inside, to_leave

if TYPE_CHECKING:
    from gradtui.probe.reporter import Reporter


EVERY = 0.01
"""Seconds after which a running program listens again: a system call at each node would be felt."""


class Detached(BaseException):
    """The debugger is gone while the program stood at a stop: the program ends."""


class Stops:
    """What the debugger has asked for: how far to go, and the breakpoints."""

    def __init__(self, reporter: Reporter, outlet: Outlet, stop: bool) -> None:
        self._reporter = reporter
        self._outlet = outlet
        self._go = Go("step" if stop else "end")
        self._leave: str | None = None
        """With `over` and `out`: the module to be left; '' for what lies in none."""
        self._paused = False
        self._armed: dict[int, Armed] = {}
        self._watches = Watches()
        self._stood_behind: tuple[int, int] | None = None
        """The pass and the step behind which the program stood last, with no node about to run."""
        self._listen_at = 0.0
        self.rich = stop
        """Will the program stop at the next node, or must all be read? Then numbers are read in full."""
        self.quiet = FINITE
        """No breakpoint holds after a step in which all gradients had such norms, which are finite ones."""
        self.looks_before = stop
        """Must nodes be looked at before they run?"""
        self._light = False
        self.waits = stop
        """May the program stop at a node that comes? Else it is merely recorded."""
        self.attended = False
        """Is there a person to stop for?"""

    # ------------------------------------------------------------------ asking

    def interested(self) -> bool:
        """May the program stop at the node that comes? Takes what the debugger has said meanwhile."""
        if monotonic() >= self._listen_at and self._go.until != "step":
            self._listen()
        return self.waits

    def _settle(self) -> None:
        """What has been asked for has changed."""
        stepping = self._go.until == "step" or self._paused
        spans = [FINITE, *(armed.quiet for armed in self._armed.values())]
        self.quiet = max(low for low, _ in spans), min(high for _, high in spans)
        self.rich = stepping or any(armed.reads_all for armed in self._armed.values())
        going = stepping or self._go.until != "end"
        self.waits = going or self.armed
        self.looks_before = going or any(armed.looks_before for armed in self._armed.values())

    @property
    def armed(self) -> bool:
        """Are there breakpoints?"""
        return bool(self._armed)

    @property
    def light(self) -> bool:
        """Is nothing wanted but that the program runs until a breakpoint holds for the first time?"""
        return self._light and self.armed and self._go.until == "end" and not self._paused

    def keep_light(self) -> None:
        """Passes in which nothing holds need not be told of but for their loss, up to the first stop."""
        self._light = True

    # ---------------------------------------------------------------- stopping

    def halt(self) -> None:
        """The program asks for it: stop at the start of its next pass, also if it was to run to the end."""
        if self._go.until == "end":
            self._go = Go("pass")
            self._settle()

    def may_hold(
        self, number: int, ops: list[str], describe: Callable[[], list[Node]], frames: Frames
    ) -> bool:
        """Could a breakpoint hold in a pass of these nodes, whatever the gradients will be?

        `describe`: costs more than `ops`, and is asked only where those do not tell.
        """
        return any(armed.may_hold(number, ops, describe, frames) for armed in self._armed.values())

    def begin_pass(self) -> None:
        """A pass begins."""
        if self._go.until != "step":
            self._listen()
        for armed in self._armed.values():
            armed.begin_pass()

    def before(self, spot: Spot, received: Sequence[Value | None]) -> None:
        """A node is about to run; blocks while the person looks."""
        reason: Reason | None = None
        hits = self._ask(spot, lambda armed: armed.before(spot, received))
        if hits:
            reason = "breakpoint"
        elif self._paused:
            reason = "pause"
        elif self._go.until == "step":
            if (spot.number, spot.step) != self._stood_behind:  # else no step has been made
                reason = "step"
        elif spot.step == 0 and self._go.until == "pass":
            reason = "pass"
        elif self._go.until not in ("end", "pass") and self._arrived(spot.node):
            reason = "there"
        if reason in ("step", "pass") and spot.step == 0:
            reason = "entry" if spot.number == 1 else "pass"
        if reason is not None:
            self.stand(reason, spot, spot.step, spot.id, hits)

    def after(
        self,
        spot: Spot,
        received: Sequence[Value | None],
        sent: Sequence[tuple[int, Value]],
        asked: bool = True,
    ) -> list[Hit]:
        """A node has run; the breakpoints that hold of what it sent, for `stand` once the step is told.

        `asked`: was it looked at before it ran?
        """
        return self._ask(spot, lambda armed: armed.after(spot, received, sent, asked)) if self._armed else []

    def after_pass(self, number: int, steps: int, frame: FrameType | None = None) -> None:
        """A pass has been accounted for; stops when the person steps, or has not come where they wished.

        `frame`: of the program's, which called backward.
        """
        if self._go.until in ("step", "over", "out", "node"):
            self.stand("pass end", None, steps, number=number, frame=frame)

    def stand(
        self,
        reason: Reason,
        spot: Spot | None,
        step: int,
        node: int | None = None,
        hits: Sequence[Hit] = (),
        number: int = 0,
        frame: FrameType | None = None,
    ) -> None:
        """Stop here, and do what is asked until told to go on.

        What a signal handler of the program's raises meanwhile ends the stop: the debugger is told.
        """
        try:
            self._stand(reason, spot, step, node, hits, number, frame)
        except Detached:
            raise
        except BaseException as error:
            self._reporter.send(Notice(f"the program has left its stop: {message_of(error)}", left=True))
            raise

    def _stand(
        self,
        reason: Reason,
        spot: Spot | None,
        step: int,
        node: int | None,
        hits: Sequence[Hit],
        number: int,
        frame: FrameType | None,
    ) -> None:
        self._reporter.flush_output()
        self._paused = False
        self._settle()
        self._light = False
        if spot is not None:
            spot.announce()
            number = spot.number
        place = spot if spot is not None else AfterPass(frame)
        with self._reporter.lock:
            self._watch(place, number, step)
            received = spot.received() if spot is not None and node is not None else ()
            then = spot.then if spot is not None and node is None else None
            self._stood_behind = (number, step) if spot is not None and node is None else None
            self._reporter.send(Stopped(reason, number, step, node, received, tuple(hits), then))
            while self._reporter.enabled:
                try:
                    command = self._outlet.receive()
                except Closed:
                    self._reporter.enabled = False
                    raise Detached from None
                if isinstance(command, Go):
                    self._go = command
                    self._leave = None
                    if spot is not None and command.until in ("over", "out"):
                        self._leave = to_leave(spot.node.module, command.until == "out")
                    elif spot is None and command.until != "end":
                        self._go = Go("step" if command.until == "step" else "pass")  # beyond: another pass
                    self._settle()
                    return
                self._obey(command, place)
                if isinstance(command, Watch):
                    self._watch(place, number, step, True)

    def _watch(self, place: Spot | AfterPass, number: int, step: int, asked: bool = False) -> None:
        """Tell what the watched expressions give; of none, where the person asked."""
        if self._watches or asked:
            with self._reporter.mute(), apart():
                seen = self._watches.seen(place.evaluate)
            self._reporter.send(Watched(number, step, seen))

    def _ask(self, spot: Spot, hold: Callable[[Armed], Hit | None]) -> list[Hit]:
        """The breakpoints that hold; tracepoints say what they have to say."""
        hits = []
        for armed in list(self._armed.values()):
            hit = hold(armed)
            if hit is None:
                continue
            if armed.point.log is None or hit.error:
                hits.append(hit)
            else:
                text = armed.text(spot.evaluate)
                self._reporter.send(
                    Traced(hit.breakpoint, hit.count, spot.number, spot.step + 1, spot.node.id, text)
                )
        return hits

    def _arrived(self, node: Node) -> bool:
        if self._go.until == "node":
            return node.id == self._go.node
        return self._leave is not None and not inside(node.module, self._leave)

    # ---------------------------------------------------------------- commands

    def _listen(self) -> None:
        """Take what has been said to the running program."""
        self._listen_at = monotonic() + EVERY
        with self._reporter.lock:
            while self._reporter.enabled and self._outlet.waiting():
                try:
                    self._obey(self._outlet.receive(), None)
                except Closed:
                    self._reporter.enabled = False

    def _obey(self, command: Command, place: Spot | AfterPass | None) -> None:
        """`place`: where the program stands, None while it runs."""
        match command:
            case Break():
                self._armed = {
                    point.id: self._armed[point.id].renewed(point)
                    if point.id in self._armed
                    else Armed(point)
                    for point in command.points
                }
                self._settle()
            case Pause():
                if place is None:  # else it has come too late: the program has stopped by itself
                    self._paused = True
                    self._settle()
            case Watch():
                self._watches.set(command.expressions)
            case _ if place is not None:
                with self._reporter.mute():
                    answers = _answers(place, command)
                for event in answers:
                    self._reporter.send(event)


def _answers(place: Spot | AfterPass, command: Command) -> list[Event]:
    events: list[Event] = []
    try:
        events.extend(place.answer(command))
    except Impossible as error:
        events.append(Refused(str(error)))
    except BaseException as error:  # the person's expression, or what they asked for is gone
        events.append(Refused(raised(error)))
    return events
