"""Every message of the stream, in one file.

Owns the vocabulary between the program (probe) and the debugger (trace, session).
Must not import anything of gradtui, nor torch.

All structs are frozen and array-like (compact MessagePack). A new field goes to the end
with a default; anything else raises `VERSION`. Ids (`node`, `file`, `stack`) are ours,
count from 1 and are stable within a run; they are never Python's `id()`.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

VERSION = 1


class Summary(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What crosses the wire of a tensor: never the tensor."""

    shape: tuple[int, ...]
    dtype: str
    """Without the `torch.` prefix: `float32`."""
    device: str
    norm: float | None = None
    """Euclidean norm of all entries; None where none could be taken (empty of meaning, exotic layout)."""
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    zeros: int | None = None
    nonfinite: int = 0
    """Entries that are NaN or Inf, counted once the norm says there are any."""
    values: tuple[float, ...] | None = None
    """All entries in row-major order where there are few, else None."""
    note: str = ""
    """Why numbers are missing: `sparse`, `complex`."""


Value: TypeAlias = float | Summary
"""A gradient or a forward value: a plain number for a scalar engine, a summary for a tensor."""


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A line of a source file."""

    file: int
    """Id announced by a `Source` message."""
    line: int


class Frame(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One frame of a call stack."""

    file: int
    line: int
    function: str
    kind: Literal["user", "engine", "library"]
    """`engine`: a method of the watched scalar class; `library`: installed code."""


class Twin(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What torch (float64) does at the same node of a scalar graph."""

    op: str | None = None
    value: float | None = None
    received: float | None = None
    sent: tuple[float | None, ...] = ()
    """Torch's contributions, one per operand of the node, in torch's own pass."""
    local: tuple[float | None, ...] | None = None
    """Torch's contributions for what the engine's step really received; None when that is `sent`."""
    missing: str | None = None
    """Why there is no twin here (or no torch pass that reaches it), else None."""


class Node(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One operation's backward function, or a leaf."""

    id: int
    op: str
    """The engine's own word; torch leaves are `AccumulateGrad`, scalar leaves mostly ''."""
    inputs: tuple[int | None, ...]
    """Where each contribution goes, one entry per operand, None where torch has no edge."""
    leaf: bool
    name: str | None = None
    """A path from a variable of the program, else the expression written out, else None."""
    named: bool = False
    """True when `name` is a variable's path, False when it is an expression."""
    value: Value | None = None
    """The forward value, where it is known."""
    stack: int | None = None
    """Id of the `Stack` that made the node."""
    module: str | None = None
    requires_grad: bool = True
    """False for a constant that a scalar engine wrapped (`2 * a`): it is a leaf nobody named."""
    twin: Twin | None = None
    """Scalar engines: torch's side of the node, known as the pass begins; None when nobody wants one."""
    outputs: tuple[int, ...] = ()
    """Which output of its target each edge goes to, in the order of `inputs`; () where all are the first."""
    precision: float = 2.220446049250313e-16
    """Relative rounding of the engine's numbers: 1.1920929e-07 where its `data` is a float32."""


class Sent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One contribution along one edge."""

    to: int
    value: Value
    before: float | None = None
    """Scalar engines: what the target's grad held just before the write."""
    after: float | None = None
    overwrote: bool = False
    """The write replaced a gradient (`=`) where it had to add to it (`+=`)."""
    place: Place | None = None
    """The statement that wrote it (scalar engines)."""
    sets: bool = False
    """The statement sets (`=`) without a look at the old gradient; it overwrites when that was not zero."""


class Accumulated(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A leaf's `.grad` before the pass, what the pass added, and `.grad` after."""

    node: int
    before: Value | None
    added: Value | None
    after: Value | None


class Saved(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One thing that torch saved for a node's backward."""

    name: str
    """Without the `_saved_` prefix: `self`, `result`."""
    value: Value | None
    note: str = ""
    """Why `value` is None, or a non-tensor's repr."""


class Write(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A write to a node's grad that was no contribution: the seed at the root, a reset."""

    node: int
    before: float | None
    after: float | None
    place: Place | None = None


# ---------------------------------------------------------------- from the program


class Hello(msgspec.Struct, frozen=True, array_like=True, tag="hello"):
    """First message of every stream."""

    version: int
    program: str
    argv: tuple[str, ...] = ()
    python: str = ""
    pid: int = 0
    cwd: str = ""


class Source(msgspec.Struct, frozen=True, array_like=True, tag="source"):
    """The text of one source file, sent once, before its first use."""

    file: int
    path: str
    """As the program knows it; relative to the working directory where it lies below."""
    text: str | None
    """None when the file cannot be read (`<stdin>`, generated code)."""


class Stack(msgspec.Struct, frozen=True, array_like=True, tag="stack"):
    """One call stack, innermost frame first, sent once, before its first use."""

    stack: int
    frames: tuple[Frame, ...]


class PassBegan(msgspec.Struct, frozen=True, array_like=True, tag="pass"):
    """A backward pass is about to run over this graph."""

    number: int
    engine: Literal["torch", "scalar"]
    roots: tuple[int, ...]
    nodes: tuple[Node, ...]
    """In the order of a walk from the roots; operands come after the node that uses them first."""
    stack: int | None = None
    """Where the program called backward."""
    before: tuple[tuple[int, Value], ...] = ()
    """Nodes whose `.grad` holds something as the pass begins: leaves (zero counts in a scalar engine, None
    never), and a scalar engine's inner nodes where it is not zero."""
    kind: str = "backward"
    """`backward` (accumulates into leaves) or `grad` (returns gradients)."""
    used: tuple[tuple[int, int], ...] = ()
    """Leaves among these whose gradient has been used (their value changed since it came), each with the
    pass that it came from."""


class Stepped(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="step"):
    """The engine ran one node."""

    number: int
    """The pass."""
    step: int
    node: int
    received: tuple[Value | None, ...]
    sent: tuple[Sent | None, ...]
    """One entry per edge of the node; scalar engines may append writes to other nodes."""
    accumulated: Accumulated | None = None
    twin: Twin | None = None
    """None: the node's own twin holds. Set where the step received something else than torch did."""
    saved: tuple[Saved, ...] = ()
    outside: tuple[Write, ...] = ()
    """Writes that happened since the step before, outside any node."""
    place: Place | None = None
    """The statement that ran the node (scalar engines)."""
    more: bool = False
    """The node ran another one inside its own run (a recursive engine): it goes on in a later step."""
    function: Place | None = None
    """Where the function begins that the node ran (scalar engines)."""


class Zeroed(msgspec.Struct, frozen=True, array_like=True, tag="zeroed"):
    """The person had gradients zeroed at the start of a pass."""

    number: int
    nodes: tuple[int, ...]


class UsedAgain(msgspec.Struct, frozen=True, array_like=True, tag="used-again"):
    """Leaves in which a pass added to a gradient already used, and the sum has been used without a reset."""

    number: int
    """The pass that added."""
    nodes: tuple[int, ...]


class PassEnded(msgspec.Struct, frozen=True, array_like=True, tag="pass-end"):
    """The pass is over."""

    number: int
    error: str | None = None
    """The exception that left `backward`, as one line."""
    leaves: tuple[Accumulated, ...] = ()
    """Accounts of leaves that the engine never ran, or that changed after they ran."""
    outside: tuple[Write, ...] = ()


class Stopped(msgspec.Struct, frozen=True, array_like=True, tag="stopped"):
    """The program is paused and takes commands."""

    reason: Literal["entry", "step", "pass", "pass end"]
    number: int
    step: int
    """Steps of this pass done so far."""
    next: int | None = None
    """The node about to run, None at the pass's end."""
    received: tuple[Value | None, ...] = ()


class Progress(msgspec.Struct, frozen=True, array_like=True, tag="progress"):
    """What the probe is busy with, '' when it is done. Never recorded as a fact."""

    text: str


class Notice(msgspec.Struct, frozen=True, array_like=True, tag="notice"):
    """Information for the person, never a fault of the program."""

    message: str
    number: int | None = None
    """The pass it speaks of."""


class Output(msgspec.Struct, frozen=True, array_like=True, tag="output"):
    """Text that the program printed."""

    stream: Literal["stdout", "stderr"]
    text: str


class Raised(msgspec.Struct, frozen=True, array_like=True, tag="raised"):
    """The program ended with an exception of its own."""

    error: str
    """One line: `ValueError: bad shape (train.py:12)`."""
    traceback: str


class Exited(msgspec.Struct, frozen=True, array_like=True, tag="exit"):
    """Last message of every stream: the program has ended."""

    code: int
    """Its exit status; -N when signal N killed it."""
    passes: int
    steps: int
    error: str | None = None


Event: TypeAlias = (
    Hello
    | Source
    | Stack
    | PassBegan
    | Stepped
    | Zeroed
    | UsedAgain
    | PassEnded
    | Stopped
    | Progress
    | Notice
    | Output
    | Raised
    | Exited
)
"""Anything a program's stream may hold."""


# ------------------------------------------------------------------ to the program


class Edit(msgspec.Struct, frozen=True, array_like=True):
    """A literal in the program's file that reads otherwise in this run."""

    line: int
    start: int
    """Offset in the line, in bytes of UTF-8."""
    end: int
    text: str


class Begin(msgspec.Struct, frozen=True, array_like=True, tag="begin"):
    """First command: run this program."""

    program: str
    argv: tuple[str, ...] = ()
    knobs: dict[str, str] = {}
    stop: bool = True
    """Stop before the first node of the first pass; False runs to the end."""
    stats: Literal["auto", "full"] = "auto"
    twin: bool = True
    edits: tuple[Edit, ...] = ()
    """Applied to the text of the program before it runs; its `assert`s are off then."""


class Go(msgspec.Struct, frozen=True, array_like=True, tag="go"):
    """Leave the stop."""

    until: Literal["step", "pass", "end"]
    """`step`: one node. `pass`: the start of the next pass. `end`: until something stops it."""


class Zero(msgspec.Struct, frozen=True, array_like=True, tag="zero"):
    """Zero the gradients that the nodes of the pass hold, at its start; the program stays stopped."""


Command: TypeAlias = Begin | Go | Zero
"""Anything the debugger may ask of a program."""
