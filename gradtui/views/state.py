"""What the screen shows: the trace, the cursor, the selected node. Views read it, actions replace it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gradtui.trace import Pass, Step, Trace
from gradtui.trace.cursor import NOWHERE, Cursor, edge
from gradtui.wire.messages import Node, Stopped, Value


@dataclass(frozen=True)
class State:
    """One moment of the screen."""

    trace: Trace
    title: str
    """The program's file name, or the recording's."""
    cursor: Cursor = NOWHERE
    selected: int | None = None
    """The node that the torch, ledger and source panes speak of."""
    path: tuple[int, ...] = ()
    """From the root down to the selected node, as the graph shows it."""
    stopped: Stopped | None = None
    """The stop it stands at."""
    reading: bool = False
    """Does the program wait for a line of input?"""
    recording: bool = False
    opening: float | None = None
    """How much of the recording has been read, from 0 to 1; None where all of it has."""
    cut: bool = False
    """The recording was ended on purpose; that it breaks off need not be said."""
    knobs: str = ""
    """The knobs that were set, and the inputs that were changed: `repaired=on  x1=3`."""
    has_knobs: bool = False
    """Has the program knobs to turn?"""
    has_inputs: bool = False
    """Has it numbers that can be edited?"""
    lesson: str = ""
    """The program's docstring."""
    hints: Mapping[tuple[int, int], str] = field(default_factory=dict)
    """Texts of the lesson that belong to a position."""
    leaf: Node | None = None
    """The leaf that was selected last: the passes pane draws its gradient."""

    @property
    def shown_pass(self) -> Pass | None:
        """The pass under the cursor."""
        return self.trace.pass_numbered(self.cursor.number)

    @property
    def gone(self) -> bool:
        """Does the cursor stand at a pass that was let go?"""
        return self.trace.was_let_go(self.cursor.number)

    @property
    def step(self) -> Step | None:
        """The step under the cursor, None before the first."""
        shown = self.shown_pass
        if shown is None or not 0 < self.cursor.step <= len(shown.messages):
            return None
        return shown.steps[self.cursor.step - 1]

    @property
    def hint(self) -> str | None:
        """What the lesson says of this position."""
        return self.hints.get((self.cursor.number, self.cursor.step))

    @property
    def next_node(self) -> int | None:
        """The node that runs next, where that is known."""
        shown = self.shown_pass
        if shown is None:
            return None
        if self.cursor.step < len(shown.messages):
            return shown.messages[self.cursor.step].node
        stop = self.stopped
        if stop is not None and (stop.number, stop.step) == (shown.number, self.cursor.step):
            return stop.then if stop.next is None else stop.next
        return None

    @property
    def node_here(self) -> int | None:
        """The node that this position speaks of: it failed, or ran, or runs next; else the root."""
        shown, step = self.shown_pass, self.step
        if shown is None:
            return None
        ran = None if step is None else step.node.id
        return self.failed_node or ran or self.next_node or shown.root.id

    @property
    def failed_node(self) -> int | None:
        """The node in whose run an exception ended the pass, where that is here and known."""
        shown = self.shown_pass
        if shown is None or self.cursor.step < len(shown.messages):
            return None
        if shown.ended is not None:
            return shown.ended.failed
        stop = self.stopped
        here = stop is not None and (stop.number, stop.step) == (shown.number, self.cursor.step)
        if stop is None or stop.next is None or not here or stop.reason != "exception":
            return None
        return stop.next if shown.ran_by(stop.next, self.cursor.step) is None else None

    @property
    def selected_node(self) -> Node | None:
        """The selected node of the shown pass."""
        shown = self.shown_pass
        return shown.nodes.get(self.selected) if shown is not None and self.selected is not None else None

    def received_at(self, node: int) -> tuple[Value | None, ...] | None:
        """What a node had received when it last ran, or receives as it runs next; None if neither."""
        shown = self.shown_pass
        if shown is None:
            return None
        ran = shown.ran_by(node, self.cursor.step)
        if ran is not None:
            return shown.messages[ran - 1].received
        if self.next_node != node:
            return None
        if self.cursor.step < len(shown.messages):
            return shown.messages[self.cursor.step].received
        return self._next_received(shown) if self.stopped is not None else None

    def _next_received(self, shown: Pass) -> tuple[Value | None, ...]:
        """What the next node runs with: what it received, less what the person has replaced."""
        assert self.stopped is not None
        replaced = shown.replaced_in(self.cursor.step + 1)
        received = enumerate(self.stopped.received)
        return tuple([replaced[i].value if i in replaced else value for i, value in received])

    @property
    def at_edge(self) -> bool:
        """Does the cursor stand at the newest position?"""
        return self.cursor == edge(self.trace)
