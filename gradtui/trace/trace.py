"""The trace: the whole run, folded from the stream by one function.

One owner, one writer: `fold` changes the model, nothing else does. Steps are never changed once
folded, so a reader may keep what it was given.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from gradtui.trace.arrivals import Arrivals, Stops
from gradtui.trace.diagnosis import Diagnosis
from gradtui.trace.findings import Finding
from gradtui.trace.keep import SHARE
from gradtui.trace.lines import Lines
from gradtui.trace.model import Pass
from gradtui.trace.output import OutputLog
from gradtui.trace.passes import Passes
from gradtui.trace.watched import WatchLog
from gradtui.wire.messages import (
    Changed,
    Event,
    Exited,
    Explained,
    Frame,
    Hello,
    Inspected,
    Module,
    Node,
    Notice,
    Output,
    PassBegan,
    PassEnded,
    Place,
    Progress,
    Raised,
    Refused,
    Replaced,
    Source,
    Stack,
    Stepped,
    Stopped,
    Traced,
    UsedAgain,
    Watched,
    Zeroed,
)

NOTICES = 1_000
"""Notices kept at least, the newest; tracepoints' texts likewise."""
LEAVES = 100_000
"""Leaves of which it is known which pass last added to their gradient, those added to last."""


class Trace:
    """A run: its passes, findings, output and end."""

    def __init__(self, keep: int | None = None) -> None:
        """`keep`: bytes for the passes to travel in, None for all of them."""
        self.hello: Hello | None = None
        self.passes = Passes(keep)
        """Those that are kept."""
        self.lines = Lines(None if keep is None else keep // SHARE)
        """Of every pass, kept or not, its loss and a line for each of its leaves."""
        self.findings: list[Finding] = []
        self.notices: list[Notice] = []
        """The newest."""
        self.stops = Stops()
        self.hits: dict[int, int] = {}
        """How often each breakpoint has held."""
        self.traced: deque[Traced] = deque(maxlen=NOTICES)
        """What tracepoints have said, the newest."""
        self.output = OutputLog()
        self.watched = WatchLog()
        self.inspected: Inspected | None = None
        """The answer to what was asked last."""
        self.refused: Refused | None = None
        """What could not be done when something was last asked for that cannot be done."""
        self.progress = ""
        self.arrivals = Arrivals()
        """Every position, in the order in which it was reached."""
        self.unchecked: dict[str, int] = {}
        """Nodes of scalar passes that could not be compared with torch, by reason."""
        self.open_passes = 0
        """Passes that have begun and not ended: more than one where they nest or threads race."""
        self.raised: Raised | None = None
        self.exited: Exited | None = None
        self.sources: dict[int, Source] = {}
        self.stacks: dict[int, tuple[Frame, ...]] = {}
        self.modules: dict[str, str] = {}
        """The classes of modules, by their paths."""
        self._accumulated_in: dict[int, int] = {}
        """For each leaf the last pass that added to its gradient."""
        self._diagnosis = Diagnosis(self)

    @classmethod
    def of(cls, events: Iterable[Event], keep: int | None = None) -> Trace:
        """The trace of a stream; `keep` as of the trace."""
        trace = cls(keep)
        for event in events:
            trace.fold(event)
        return trace

    # ---------------------------------------------------------------- writing

    def fold(self, event: Event) -> list[Finding]:
        """Take in one event; returns the findings that it gave rise to."""
        new: list[Finding] = []
        match event:
            case Stepped():
                pass_ = self.passes.fold(event.number, event)
                pass_.reached.append(self.arrivals.add(event.number, event.step))
                if event.accumulated is not None:
                    self._added_to(event.node, event.number)
                new = self._diagnosis.after_step(pass_, event)
            case PassBegan():
                new = self._begin(Pass(event))
            case PassEnded():
                pass_ = self.passes.fold(event.number, event)
                for account in event.leaves:
                    self._added_to(account.node, event.number)
                self.open_passes -= 1
                new = self._diagnosis.at_end(pass_)
                self._end(pass_, new)
            case Zeroed() | Replaced() | Changed():
                self.passes.fold(event.number, event)
            case Watched():
                self.watched.add(event, self.place_of(event.number, event.step))
            case Inspected():
                self.inspected = event
            case Refused():
                self.refused = event
            case UsedAgain():
                used = self.passes.numbered(event.number)
                if used is None:
                    new = self._diagnosis.used_again_long_ago(event.number, event.nodes)
                else:
                    new = self._diagnosis.used_again(used, event.nodes)
            case Explained():
                new = self._diagnosis.explained(event)
            case Source():
                self.sources[event.file] = event
            case Stack():
                self.stacks[event.stack] = event.frames
            case Module():
                self.modules.setdefault(event.path, event.kind)
            case Stopped():
                self.stops.add(event, self.place_of(event.number, event.step))
                self.hits.update((hit.breakpoint, hit.count) for hit in event.hits)
            case Traced():
                self.traced.append(event)
                self.hits[event.breakpoint] = event.count
            case Output():
                self.output.add(event)
            case Progress():
                self.progress = event.text
            case Notice():
                self.notices.append(event)
                if len(self.notices) > 2 * NOTICES:
                    del self.notices[:NOTICES]
            case Raised():
                self.raised = event
            case Hello():
                self.hello = event
            case Exited():
                self.exited = event
                self.progress = ""
        self.findings.extend(new)
        for finding in new:
            self.passes.found(finding.pass_number)
        return new

    def _begin(self, pass_: Pass) -> list[Finding]:
        self.passes.begin(pass_)
        held = self._accumulated_in
        pass_.came_from = {node: held[node] for node in pass_.before if node in held}
        self.open_passes += 1
        place = self.arrivals.add(pass_.number, 0)
        pass_.reached.append(place)
        self.lines.begin(pass_, place)
        self._count_unchecked(pass_)
        return self._diagnosis.at_begin(pass_)

    def _end(self, pass_: Pass, new: list[Finding]) -> None:
        self.lines.end(pass_)
        for finding in new:  # before there is made room: this pass is evidence
            self.passes.found(finding.pass_number)
        gone = set(self.passes.end(pass_.number))
        if gone:
            self.arrivals.forget(gone)
            self.stops.forget(gone)

    def _added_to(self, leaf: int, number: int) -> None:
        held = self._accumulated_in
        held.pop(leaf, None)
        held[leaf] = number
        if len(held) > LEAVES:
            del held[next(iter(held))]

    def _count_unchecked(self, pass_: Pass) -> None:
        for node in pass_.nodes.values():
            if node.twin is not None and node.twin.op is None and node.twin.missing:
                self.unchecked[node.twin.missing] = self.unchecked.get(node.twin.missing, 0) + 1

    # ---------------------------------------------------------------- reading

    def pass_numbered(self, number: int) -> Pass | None:
        """The pass of that number, None if there is none or it was let go."""
        return self.passes.numbered(number)

    def was_let_go(self, number: int) -> bool:
        """Was there a pass of that number that is no longer kept?"""
        return not self.passes.has(number) and self.lines.row(number) is not None

    def place_of(self, number: int, step: int) -> int:
        """Where a position stands in the order of arrival; -1 before any pass.

        In a pass that was let go it is nearly known: as if nothing had run inside or beside the pass.
        """
        place = self.passes.place(number, step)
        row = self.lines.row(number) if place is None and not self.passes.has(number) else None
        if row is not None:
            place = self.lines.places[row] + step
        return -1 if place is None else place

    def frames(self, stack: int | None) -> tuple[Frame, ...]:
        """The frames of a stack, innermost first; () where it is not known."""
        return () if stack is None else self.stacks.get(stack, ())

    def line_of(self, stack: int | None) -> Place | None:
        """The line of the user's own code in a stack; the innermost line where none is the user's."""
        frames = self.frames(stack)
        for kind in ("user", "library", "engine"):
            for frame in frames:
                if frame.kind == kind:
                    return Place(frame.file, frame.line)
        return None

    def source_of(self, node: Node) -> str | None:
        """`neuron.py:9`: the user's line that made the node."""
        return self.show_place(self.line_of(node.stack))

    def show_place(self, place: Place | None) -> str | None:
        """`file:line`, relative to the program's working directory where it lies below."""
        if place is None or place.file not in self.sources:
            return None
        return f"{self.sources[place.file].path}:{place.line}"

    def text_of(self, place: Place | None) -> str | None:
        """The source line itself, stripped."""
        source = self.sources.get(place.file) if place else None
        if place is None or source is None or source.text is None:
            return None
        lines = source.text.splitlines()
        return lines[place.line - 1].strip() if 0 < place.line <= len(lines) else None

    def __repr__(self) -> str:
        return f"<Trace of {self.passes.begun} passes, {len(self.findings)} findings>"
