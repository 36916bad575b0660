"""The trace: the whole run, folded from the stream by one function.

One owner, one writer: `fold` changes the model, nothing else does. Steps are never changed once
folded, so a reader may keep what it was given.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from gradtui.trace.diagnosis import Diagnosis
from gradtui.trace.findings import Finding
from gradtui.trace.model import Pass
from gradtui.trace.output import OutputLog
from gradtui.wire.messages import (
    Event,
    Exited,
    Frame,
    Hello,
    Node,
    Notice,
    Output,
    PassBegan,
    PassEnded,
    Place,
    Progress,
    Raised,
    Source,
    Stack,
    Stepped,
    Stopped,
    UsedAgain,
    Zeroed,
)


class Arrivals:
    """Positions (pass, step) in the order in which the program reached them.

    By pass and step that order is not known: a pass may run inside a step of another, or beside it
    in another thread.
    """

    def __init__(self) -> None:
        self._passes = array("q")
        self._steps = array("q")

    def add(self, number: int, step: int) -> int:
        """The next position; returns its place in the order."""
        self._passes.append(number)
        self._steps.append(step)
        return len(self._passes) - 1

    def __len__(self) -> int:
        return len(self._passes)

    def __getitem__(self, place: int) -> tuple[int, int]:
        return self._passes[place], self._steps[place]


class Trace:
    """A run: its passes, findings, output and end."""

    def __init__(self) -> None:
        self.hello: Hello | None = None
        self.passes: list[Pass] = []
        self.findings: list[Finding] = []
        self.notices: list[Notice] = []
        self.stops: list[Stopped] = []
        """Where the program has been stopped, in order."""
        self.output = OutputLog()
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
        self._by_number: dict[int, Pass] = {}
        self._accumulated_in: dict[int, int] = {}
        """For each leaf the last pass that added to its gradient."""
        self._diagnosis = Diagnosis(self)

    @classmethod
    def of(cls, events: Iterable[Event]) -> Trace:
        """The trace of a stream."""
        trace = cls()
        for event in events:
            trace.fold(event)
        return trace

    # ---------------------------------------------------------------- writing

    def fold(self, event: Event) -> list[Finding]:
        """Take in one event; returns the findings that it gave rise to."""
        new: list[Finding] = []
        match event:
            case Stepped():
                pass_ = self._by_number[event.number]
                pass_.add(event)
                pass_.reached.append(self.arrivals.add(event.number, event.step))
                if event.accumulated is not None:
                    self._accumulated_in[event.node] = event.number
                new = self._diagnosis.after_step(pass_, event)
            case PassBegan():
                pass_ = Pass(event)
                self.passes.append(pass_)
                self._by_number[event.number] = pass_
                pass_.came_from = {
                    n: self._accumulated_in[n] for n in pass_.before if n in self._accumulated_in
                }
                self.open_passes += 1
                pass_.reached.append(self.arrivals.add(event.number, 0))
                self._count_unchecked(pass_)
                new = self._diagnosis.at_begin(pass_)
            case PassEnded():
                pass_ = self._by_number[event.number]
                pass_.ended = event
                self._accumulated_in.update((account.node, event.number) for account in event.leaves)
                self.open_passes -= 1
                new = self._diagnosis.at_end(pass_)
            case Zeroed():
                self._by_number[event.number].zeroed(event.nodes)
            case UsedAgain():
                new = self._diagnosis.used_again(self._by_number[event.number], event.nodes)
            case Source():
                self.sources[event.file] = event
            case Stack():
                self.stacks[event.stack] = event.frames
            case Stopped():
                self.stops.append(event)
            case Output():
                self.output.add(event)
            case Progress():
                self.progress = event.text
            case Notice():
                self.notices.append(event)
            case Raised():
                self.raised = event
            case Hello():
                self.hello = event
            case Exited():
                self.exited = event
                self.progress = ""
        self.findings.extend(new)
        return new

    def _count_unchecked(self, pass_: Pass) -> None:
        for node in pass_.nodes.values():
            if node.twin is not None and node.twin.op is None and node.twin.missing:
                self.unchecked[node.twin.missing] = self.unchecked.get(node.twin.missing, 0) + 1

    # ---------------------------------------------------------------- reading

    def pass_numbered(self, number: int) -> Pass | None:
        """The pass of that number, None if there is none."""
        return self._by_number.get(number)

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
        return f"<Trace of {len(self.passes)} passes, {len(self.findings)} findings>"
