"""What a picture of a pass says, before it is drawn: cards, operations and links, all of it text.

A scalar engine's graph is drawn as micrograd's `draw_dot` does: a card for each value, before it a
round operation. A torch graph has one card for each backward function. Links run forward, from
inputs to the result; what they are labelled with ran back along them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from gradtui.trace import Pass, Trace
from gradtui.trace.cursor import Cursor
from gradtui.trace.names import symbol
from gradtui.trace.numbers import digits, number_of, shape_of, short
from gradtui.wire.messages import Node, Sent, Summary, Value

State = Literal["waiting", "done", "now"]
NOTHING = "–"
"""Where a gradient is not there yet."""


@dataclass(frozen=True, slots=True)
class Card:
    """A value, or a backward function."""

    key: str
    """`n7`: unique in the picture, plain ASCII."""
    title: str
    subtitle: str
    """The operation and its module (torch); '' where the operation is drawn by itself."""
    cells: tuple[tuple[str, str], ...]
    """What is known of it: (label, text), the gradient last."""
    state: State
    leaf: bool
    fault: str = ""
    """The kinds of the findings at this node."""


@dataclass(frozen=True, slots=True)
class Operation:
    """The round node between a scalar engine's operands and their result."""

    key: str
    text: str
    state: State


@dataclass(frozen=True, slots=True)
class Link:
    """An arrow from an input to what was made of it."""

    source: str
    target: str
    state: State
    text: str = ""
    """What was sent back along it; '' before that, and between an operation and its result."""
    fault: bool = False
    """It replaced a gradient that it had to add to."""
    stray: bool = False
    """No edge of the graph: a scalar engine wrote to a node that is none of its operands."""
    carries: bool = False
    """Does something come back along it, now or later in the pass?"""


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is drawn."""

    caption: str
    remark: str
    """The position."""
    cards: tuple[Card, ...]
    operations: tuple[Operation, ...]
    links: tuple[Link, ...]


def facts(trace: Trace, at: Cursor, marked: bool = True) -> Picture:
    """The picture of a pass after some of its steps; with `marked`, the last of them stands out."""
    shown = trace.pass_numbered(at.number)
    assert shown is not None, "a position lies in a pass"
    reader = _Reader(trace, shown, at.step, marked)
    cards, operations, links = [], [], []
    for node in shown.nodes.values():
        state = reader.state(node)
        cards.append(reader.card(node, state))
        target = f"n{node.id}"
        if shown.engine == "scalar" and (node.op or node.inputs):
            target = f"o{node.id}"
            operations.append(Operation(target, clean(node.op) or "?", state))
            links.append(Link(target, f"n{node.id}", state))
        links += reader.links(node, state, target)
    program = Path(trace.hello.program).name if trace.hello else ""
    caption = " · ".join(filter(None, (clean(program), f"pass {shown.number}")))
    return Picture(caption, reader.position(), tuple(cards), tuple(operations), tuple(links))


class _Reader:
    """Reads a pass as it stood after some of its steps."""

    def __init__(self, trace: Trace, shown: Pass, step: int, marked: bool) -> None:
        self._trace = trace
        self._pass = shown
        self._step = step
        ended = shown.ended is not None and shown.ended.error is None
        self._over = ended and step >= len(shown.messages)
        self._now = shown.messages[step - 1].node if marked and step else None
        self._faults: defaultdict[int, dict[str, None]] = defaultdict(dict)
        for finding in trace.findings:
            if finding.pass_number == shown.number and finding.step <= step:
                self._faults[finding.node][finding.kind] = None

    def position(self) -> str:
        """`step 3 of 10: tanh o`; and why the pass went no further, where it broke off there."""
        steps = len(self._pass.messages)
        broke = ""
        if self._step == steps:
            error = self._pass.ended.error if self._pass.ended else self._died()
            broke = clean(f"; the pass broke off: {error}") if error else ""
        if self._over and self._now is None:
            return f"at its end, after {steps} step{'s' * (steps != 1)}"
        if not self._step:
            return "before its first step" + broke
        node = self._pass.steps[self._step - 1].node
        what = " ".join(filter(None, (node.op or "leaf", node.name and symbol(node))))
        return f"step {self._step} of {steps}: {clean(what)}{broke}"

    def _died(self) -> str | None:
        return self._trace.exited.error if self._trace.exited is not None else None

    def state(self, node: Node) -> State:
        """Has it run? A leaf that the engine never runs is done when the pass is."""
        if node.id == self._now:
            return "now"
        if self._pass.ran_by(node.id, self._step) is not None:
            return "done"
        settled = node.leaf and self._over and self._pass.leaf_at(node, self._step).added is not None
        return "done" if settled else "waiting"

    # ----------------------------------------------------------------- cards

    def card(self, node: Node, state: State) -> Card:
        """What is known of a node by now."""
        scalar = self._pass.engine == "scalar"
        op = "" if scalar or not node.name else node.op
        module = f"in {node.module}" if node.module and not scalar and not node.leaf else ""
        title = node.name or (symbol(node) if scalar else node.op)
        cells = [("grad", self._gradient(node))]
        if node.value is not None:
            cells.insert(0, ("data" if scalar else "value", _amount(node.value, shape=True)))
        fault = ", ".join(self._faults[node.id]) if node.id in self._faults else ""
        subtitle = " ".join(filter(None, (op, module)))
        return Card(f"n{node.id}", clean(title), clean(subtitle), tuple(cells), state, node.leaf, fault)

    def _gradient(self, node: Node) -> str:
        """A leaf's `.grad`; of another node what it received, or, not run yet, what it holds."""
        unlike = not isinstance(node.value, Summary)
        if node.leaf:
            return _amount(self._pass.leaf_at(node, self._step).after, shape=unlike)
        ran = self._pass.ran_by(node.id, self._step)
        if ran is not None:
            received = self._pass.messages[ran - 1].received
            texts = [NOTHING if r is None else _amount(r, shape=unlike) for r in received[:2]]
            more = f" and {len(received) - 2} more" if len(received) > 2 else ""
            return ", ".join(texts) + more if texts else NOTHING
        arrived = self._pass.ledger(node.id, self._step)
        held = arrived[-1].sent.after if arrived else None
        return NOTHING if held is None else _amount(held)

    # ----------------------------------------------------------------- links

    def links(self, node: Node, state: State, target: str) -> list[Link]:
        """One for each operand, with all that was sent along it by now; then writes to other nodes."""
        runs = [run for run in self._pass.runs.get(node.id, ()) if run <= self._step]
        found = []
        for slot, operand in enumerate(node.inputs):
            if operand is not None:
                sent = [self._sent(run, slot) for run in runs]
                link = self._link(f"n{operand}", target, state, [s for s in sent if s is not None])
                ever = any(self._sent(run, slot) is not None for run in self._pass.runs.get(node.id, ()))
                output = f"[{node.outputs[slot]}] " if node.outputs and node.outputs[slot] else ""
                text = link.text and output + link.text
                found.append(replace(link, text=text, carries=ever))
        for run in runs:
            for stray in self._pass.messages[run - 1].sent[len(node.inputs) :]:
                if stray is not None and stray.to in self._pass.nodes:
                    link = self._link(f"n{stray.to}", target, state, [stray])
                    found.append(replace(link, stray=True))
        return found

    def _sent(self, run: int, slot: int) -> Sent | None:
        sent = self._pass.messages[run - 1].sent
        return sent[slot] if slot < len(sent) else None

    def _link(self, source: str, target: str, state: State, sent: list[Sent]) -> Link:
        text = ", ".join(_amount(s.value) for s in sent)
        fault = any(s.overwrote for s in sent)
        if fault:
            wiped = next(s.before for s in sent if s.overwrote)
            text += " overwrote" + ("" if wiped is None else f" {_decimal(wiped)}")
        return Link(source, target, state, f"← {text}" if text else "", fault)


# ---------------------------------------------------------------------- numbers


def _amount(value: Value | None, shape: bool = False) -> str:
    """A number as `draw_dot` writes it, of a tensor the norm, with its shape where that is wanted."""
    if not isinstance(value, Summary):
        return "None" if value is None else _decimal(value)
    number = number_of(value)
    if number is not None and value.shape in ((), (1,)):
        return _decimal(number)
    if value.norm is None or value.note:
        return short(value, 4)
    text = f"‖{digits(value.norm, 4)}‖"
    if value.nonfinite:
        text += f" {value.nonfinite} not finite"
    return f"{shape_of(value)} {text}" if shape else text


def _decimal(number: float) -> str:
    """Four places where they say enough, else four digits: nothing that is not zero is shown as zero."""
    return f"{number:.4f}" if number == 0 or 1e-3 <= abs(number) < 1e6 else digits(number, 4)


def clean(text: str) -> str:
    """A text that any drawing may hold: no line breaks, no control characters, no halves of characters."""
    text = text.replace("\r\n", "\n").replace("\n", "⏎").replace("\t", " ")
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
