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


class Condition(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A condition on one gradient, by its summary."""

    what: Literal["nonfinite", "zero", "norm", "min", "max", "mean"]
    sign: Literal["", "<", ">"] = ""
    """'' for `nonfinite` and `zero` (all entries are)."""
    limit: float = 0.0


class Breakpoint(msgspec.Struct, frozen=True, array_like=True):
    """Where and when to stop: all that it names must hold. '' and 0 name nothing."""

    id: int
    text: str
    """As the person wrote it."""
    op: str = ""
    """These three are patterns as of a shell: `Mul*`."""
    name: str = ""
    module: str = ""
    """Also holds for everything inside the module."""
    file: str = ""
    """The end of a path; with `line`, a line of the program's on the way to the forward operation."""
    line: int = 0
    number: int = 0
    """The pass."""
    step: int = 0
    tests: tuple[Condition, ...] = ()
    """Of what a node received or sent; they hold where it begins on a path from the root."""
    held: bool = False
    """A leaf enters the pass with a gradient."""
    expression: str = ""
    """Python, evaluated in the program where everything else holds."""
    ignore: int = 0
    """That many hits are let pass."""
    once: bool = False
    log: str | None = None
    """Not None: a tracepoint, which says this text (`{...}` is evaluated) and lets the program go on."""
    enabled: bool = True


class Hit(msgspec.Struct, frozen=True, array_like=True):
    """A breakpoint stopped the program."""

    breakpoint: int
    count: int
    """How often it has held by now."""
    text: str
    error: str = ""
    """What its expression raised; such a breakpoint stops once and is not asked again."""
    to: int | None = None
    """The node that was sent the gradient that met its tests; None where it tests none."""
    value: Value | None = None
    """That gradient, as it was read for the test."""


class Figures(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the entries of a tensor, or of a slice of one, are like."""

    count: int
    nan: int = 0
    infinite: int = 0
    zeros: int = 0
    norm: float | None = None
    """This and what follows is of the finite entries; None where there are none."""
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None
    """By the count, not one less: 0 of a single entry."""


class Bins(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How many entries lie between neighbouring edges, of which there is one more than counts."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


class Grid(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Rows and columns of numbers."""

    rows: int
    columns: int
    values: tuple[float, ...]
    """In row-major order."""


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """What a watched expression gave: one of the three."""

    expression: str
    value: Value | None = None
    text: str = ""
    """Of what is no number and no tensor."""
    error: str = ""
    """What it raised."""


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


class Module(msgspec.Struct, frozen=True, array_like=True, tag="module"):
    """The class of a module, sent once, before the first pass in which it is known."""

    path: str
    kind: str
    """`Linear`."""


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
    light: bool = False
    """Only breakpoints were armed, and the pass was not recorded: `nodes` are its roots, without steps."""


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
    """Where the function begins that the node ran (scalar engines); of torch, what has made NaN or
    Inf: where a custom function returned, or where a hook begins."""
    why: tuple[str, ...] = ()
    """What is known of why it sent NaN or Inf for finite gradients: its saved values there."""


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
    failed: int | None = None
    """The node in whose run it was raised, where that has no step and is known."""


Reason: TypeAlias = Literal["entry", "step", "pass", "pass end", "breakpoint", "pause", "there", "exception"]
"""Why a program stands. `there`: it has come where it was told to run to."""


class Stopped(msgspec.Struct, frozen=True, array_like=True, tag="stopped"):
    """The program is paused and takes commands."""

    reason: Reason
    number: int
    step: int
    """Steps of this pass done so far."""
    next: int | None = None
    """The node about to run; None at the pass's end, and right after a step that a breakpoint waited for."""
    received: tuple[Value | None, ...] = ()
    hits: tuple[Hit, ...] = ()
    """The breakpoints that stopped it."""
    then: int | None = None
    """Right after a step: the node that the engine takes next, where the graph tells. Nobody has seen yet
    what that one receives."""


Part: TypeAlias = str | int
"""Of a message in words: a number is a stack, and stands for its line."""


class Explained(msgspec.Struct, frozen=True, array_like=True, tag="explained"):
    """The probe has found out why something went wrong: facts that only the program's process has."""

    kind: str
    """Of the finding."""
    number: int
    """The pass; where it could not begin, the one before it, 0 for none."""
    step: int
    """Steps of that pass done."""
    node: int
    """0 for none."""
    message: tuple[Part, ...]
    culprit: int | None = None
    """The stack of the statement at fault."""
    source: int | None = None
    """The stack that made what it speaks of, where that is no node."""
    name: str | None = None
    """What it speaks of, where that is no node."""


class Traced(msgspec.Struct, frozen=True, array_like=True, tag="traced"):
    """A tracepoint held, and the program went on."""

    breakpoint: int
    count: int
    number: int
    step: int
    """The step in which the node runs."""
    node: int
    text: str


class Inspected(msgspec.Struct, frozen=True, array_like=True, tag="inspected"):
    """What was asked of a tensor at a stop. Never recorded: it belongs to who asked, not to the run."""

    request: int
    node: int
    what: str
    """`received[0]`, `sent[1]`, `saved.self`, `output`, `value`, `grad`, `buffer.b`, or an expression."""
    slice: str = ""
    """As it was asked for; '' for all of it."""
    error: str = ""
    """Why there is nothing to show; then all below is as if not given, but for `readable`."""
    readable: tuple[str, ...] = ()
    """All that can be read of the node at this stop."""
    shape: tuple[int, ...] = ()
    """Of the whole tensor."""
    dtype: str = ""
    device: str = ""
    part: tuple[int, ...] = ()
    """The shape of the slice; everything below is of the slice."""
    figures: Figures | None = None
    """None: no numbers, see `text` and `note`."""
    bins: Bins | None = None
    """Finite entries by value."""
    decades: Bins | None = None
    """Finite entries that are not zero by magnitude; the edges are powers of ten."""
    grid: Grid | None = None
    """The entries, of a large slice its first ones."""
    picture: Grid | None = None
    """Of a slice whose entries are not all in `grid`: in each cell the entry largest in magnitude."""
    text: str = ""
    """Of what is no tensor."""
    note: str = ""
    """What was left out, and what was made of complex or sparse entries."""


class Watched(msgspec.Struct, frozen=True, array_like=True, tag="watched"):
    """The watched expressions as the program stands at a stop; sent before it, and when they change."""

    number: int
    step: int
    """Steps of the pass done so far."""
    values: tuple[Seen, ...]


class Replaced(msgspec.Struct, frozen=True, array_like=True, tag="replaced"):
    """The person had a node run with another gradient than it received."""

    number: int
    step: int
    """The step in which it runs."""
    node: int
    slot: int
    """Which of the gradients that it received."""
    expression: str
    before: Value | None
    value: Value | None


class Changed(msgspec.Struct, frozen=True, array_like=True, tag="changed"):
    """The person changes a leaf's value as this pass ends, for those that come."""

    number: int
    step: int
    """Steps of the pass done when it was asked for."""
    node: int
    expression: str
    before: Value | None
    value: Value | None


class Refused(msgspec.Struct, frozen=True, array_like=True, tag="refused"):
    """What was asked for at a stop cannot be done. Never recorded."""

    message: str


class Progress(msgspec.Struct, frozen=True, array_like=True, tag="progress"):
    """What the probe is busy with, '' when it is done. Never recorded as a fact."""

    text: str


class Notice(msgspec.Struct, frozen=True, array_like=True, tag="notice"):
    """Information for the person, never a fault of the program."""

    message: str
    number: int | None = None
    """The pass it speaks of."""
    left: bool = False
    """The program has left the stop that it stood at by itself: a signal handler of its own raised."""


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
    | Module
    | PassBegan
    | Stepped
    | Zeroed
    | UsedAgain
    | PassEnded
    | Stopped
    | Explained
    | Traced
    | Inspected
    | Watched
    | Replaced
    | Changed
    | Refused
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
    module: str = ""
    """Run as `python -m MODULE`; '' runs the file `program`."""
    attended: bool = True
    """Is there a person to stop for? False: `gradtui.breakpoint()` goes on."""
    light: bool = False
    """Until a breakpoint holds for the first time, tell of passes but for their loss nothing."""


Until: TypeAlias = Literal["step", "over", "out", "node", "pass", "end"]
"""How far to go. `step`: one node. `over`: past the innermost module of the node that is next; `out`: past
the module around that one. `node`: until the node runs. `pass`: the start of the next pass. `end`: until
something stops it."""


class Go(msgspec.Struct, frozen=True, array_like=True, tag="go"):
    """Leave the stop."""

    until: Until
    node: int = 0
    """Of `node`."""


class Zero(msgspec.Struct, frozen=True, array_like=True, tag="zero"):
    """Zero the gradients that the nodes of the pass hold, at its start; the program stays stopped."""


class Break(msgspec.Struct, frozen=True, array_like=True, tag="break"):
    """These are the breakpoints from now on; one that was there keeps its count. Taken at any time."""

    points: tuple[Breakpoint, ...]


class Pause(msgspec.Struct, frozen=True, array_like=True, tag="pause"):
    """Stop before the next node. Taken while the program runs."""


class Inspect(msgspec.Struct, frozen=True, array_like=True, tag="inspect"):
    """Read a tensor, or a slice of it; answered by `Inspected`."""

    request: int
    node: int
    """0 for the one that the program stands at."""
    what: str
    """As in `Inspected`; '' for what there is to read first."""
    slice: str = ""
    """`[0, :, 3]`, with or without the brackets."""


class Watch(msgspec.Struct, frozen=True, array_like=True, tag="watch"):
    """Evaluate these at every stop, and at this one; answered by `Watched`. Taken at any time."""

    expressions: tuple[str, ...]


class Replace(msgspec.Struct, frozen=True, array_like=True, tag="replace"):
    """Let the node that is next run with another gradient; answered by `Replaced` or `Refused`."""

    slot: int
    expression: str


class Change(msgspec.Struct, frozen=True, array_like=True, tag="change"):
    """Give a leaf another value as the pass ends; answered by `Changed` or `Refused`."""

    node: int
    expression: str


Command: TypeAlias = Begin | Go | Zero | Break | Pause | Inspect | Watch | Replace | Change
"""Anything the debugger may ask of a program."""
