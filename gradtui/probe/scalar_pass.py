"""Watching one pass of a scalar engine: the student's own `backward()` drives, this only looks on.

While the pass runs, the classes of the graph's objects carry two descriptors: one for the step
function (a node runs) and one for `grad` (each read and write). They delegate to whatever was
there and are taken away in reverse, also when the pass raises.

Invariants. A step opens when the engine calls a node's step function, and closes when that call
returns, or, if nothing was written for the node's operands by then, at the next call: some engines
write in the loop that calls. Only the pass's own thread is watched. A read is remembered until the
next write of the same node: a write whose remembered read equals what it replaces adds (`+=`), any
other write of a grad that is not zero overwrites (`=`).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any, Protocol

from gradtui.probe.numbers import number
from gradtui.probe.places import of_probe
from gradtui.probe.scalar_graph import MISSING, Entry, snapshot
from gradtui.userapi import Shape
from gradtui.wire.messages import Accumulated, Place, Sent, Value, Write


class Listener(Protocol):
    """Hears of steps as they happen."""

    def before(self, entry: Entry, received: Value | None) -> None: ...
    def after(self, step: Step, outside: list[Write], more: bool) -> None: ...
    def place(self, frame: FrameType | None) -> Place | None: ...


class Step:
    """One run of one node."""

    __slots__ = ("entry", "received", "place", "writes", "running", "split")

    def __init__(self, entry: Entry, received: Value | None, place: Place | None) -> None:
        self.entry = entry
        self.received = received
        self.place = place
        self.writes: list[Sent] = []
        self.running = True
        self.split = False  # another node ran inside this one: its first part has been told


class ScalarPass:
    """Context manager around one `backward()` of a scalar engine."""

    def __init__(self, entries: list[Entry], shape: Shape, listener: Listener) -> None:
        self.entries = entries
        self._shape = shape
        self._listener = listener
        self._by_id = {id(entry.obj): entry for entry in entries}
        self._thread = threading.get_ident()
        self._restore: list[Callable[[], None]] = []
        self._step: Step | None = None
        self._outside: list[Write] = []
        self._looking = False
        self._last_read: Entry | None = None  # for engines without step functions

    # -------------------------------------------------------------- lifetime

    def __enter__(self) -> ScalarPass:
        grad = self._shape.grad
        for entry in self.entries:
            entry.before = entry.known = snapshot(getattr(entry.obj, grad, None))
        for cls in {type(entry.obj) for entry in self.entries}:
            self._install(cls, grad, _Grad)
            if self._shape.step is not None:
                self._install(cls, self._shape.step, _StepFunction)
        return self

    def finish(self) -> None:
        """The engine's `backward` has returned or raised: tell of the last step."""
        self._close()

    def __exit__(self, *exc: object) -> None:
        for restore in reversed(self._restore):
            restore()
        self._restore.clear()

    def _install(self, cls: type, name: str, kind: type[_Watched]) -> None:
        own = cls.__dict__.get(name, MISSING)
        setattr(cls, name, kind(self, name, _lookup(cls, name)))
        if own is MISSING:
            self._restore.append(partial(delattr, cls, name))
        else:
            self._restore.append(partial(setattr, cls, name, own))

    # ----------------------------------------------------------------- steps

    def entry_of(self, obj: Any) -> Entry | None:
        """The node of an object, None when it is not of this pass or the caller not of this thread."""
        if self._looking or threading.get_ident() != self._thread:
            return None
        return self._by_id.get(id(obj))

    def run(self, entry: Entry, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The engine runs a node: `original` is its own step function."""
        if self._step is not None and self._step.running:  # super()._backward(), or a recursive engine
            if self._step.entry is entry:
                return original(*args, **kwargs)
            return self._run_inside(self._step, entry, original, args, kwargs)
        step = self._open(entry, sys._getframe(1))
        try:
            return original(*args, **kwargs)
        finally:
            step.running = False
            self._settle(step)
            if step.writes or step.split or entry.leaf:
                self._close()

    def _run_inside(
        self, outer: Step, entry: Entry, original: Callable[..., Any], args: Any, kwargs: Any
    ) -> Any:
        """A node run by another node's step function: the outer step ends where the inner one begins."""
        self._close(more=True)
        step = self._open(entry, sys._getframe(2))
        try:
            return original(*args, **kwargs)
        finally:
            step.running = False
            self._close()
            self._step = outer  # which goes on, in a step of its own

    def _open(self, entry: Entry, frame: FrameType | None) -> Step:
        self._close()
        received = self._look(entry)
        self._listener.before(entry, received)
        entry.ran += 1
        step = self._step = Step(entry, received, self._listener.place(frame))
        return step

    def _close(self, more: bool = False) -> None:
        """Tell of the open step, if there is one."""
        step, self._step = self._step, None
        if step is not None:
            self._settle(step)
            outside, self._outside = self._outside, []
            self._listener.after(step, outside, more)
            step.writes, step.split = [], True

    def _settle(self, step: Step) -> None:
        """Find what reached the operands past the descriptor (in place, through a property)."""
        for operand in dict.fromkeys(step.entry.operands):
            now = self._raw(operand)
            if not _same(now, operand.known):
                self._contribute(step, operand, operand.known, now, False, step.place)

    # ------------------------------------------------------- reads and writes

    def on_read(self, entry: Entry, grad: Any) -> None:
        """The program reads a node's grad."""
        entry.read = snapshot(grad)
        if self._shape.step is None:
            self._last_read = entry

    def on_write(
        self, entry: Entry, grad: Any, store: Callable[[Any], None], frame: FrameType
    ) -> None:
        """The program writes a node's grad; `store` does it."""
        if self._shape.step is None:
            self._infer_step(entry, frame)
        current = entry.known if hasattr(grad, "shape") else self._raw(entry)
        adds = entry.read is not MISSING and _same(entry.read, current)
        entry.read = MISSING
        store(grad)
        step = self._step
        lost = not adds and not _is_zero(current)
        place = self._listener.place(frame)
        if step is not None and entry is not step.entry and self._concerns(step, entry, lost, grad):
            self._contribute(step, entry, current, self._raw(entry), lost, place)
        else:
            entry.known = snapshot(self._raw(entry))
            self._outside.append(Write(entry.id, _float(current), _float(entry.known), place))

    def _concerns(self, step: Step, entry: Entry, lost: bool, grad: Any) -> bool:
        """Is this write a contribution of the open step? A reset to zero of an old gradient is not."""
        if not step.running and entry not in step.entry.operands:
            return False
        return not (lost and _is_zero(grad) and not entry.gained)

    def _contribute(
        self, step: Step, entry: Entry, before: Any, after: Any, lost: bool, place: Place | None
    ) -> None:
        value = number(after if lost else _minus(after, before))
        entry.known = snapshot(after)
        entry.gained += 1
        if value is not None:
            step.writes.append(Sent(entry.id, value, _float(before), _float(after), lost, place))

    # --------------------------------------------- engines without step functions

    def _infer_step(self, target: Entry, frame: FrameType) -> None:
        """No step function to wait for: a write to an operand belongs to the node read last."""
        sender = self._last_read
        if sender is target or sender is None or target not in sender.operands:
            open_step = self._step
            sender = open_step.entry if open_step and target in open_step.entry.operands else None
        if sender is None or (self._step is not None and self._step.entry is sender):
            return
        kept = target.read
        self._open(sender, frame)
        target.read = kept

    # --------------------------------------------------------------- accounts

    def account(self, entry: Entry) -> Accumulated:
        """A leaf's grad before the pass, what was added, and what it is now."""
        now = self._raw(entry)
        return Accumulated(
            entry.id, number(entry.before), number(_minus(now, entry.before)), number(now)
        )

    def outside(self) -> list[Write]:
        """Writes since the last step, outside any node."""
        return self._outside

    def grad_now(self, entry: Entry) -> Value | None:
        """What the node's grad holds now."""
        return self._look(entry)

    def _look(self, entry: Entry) -> Value | None:
        return number(self._raw(entry))

    def _raw(self, entry: Entry) -> Any:
        self._looking = True
        try:
            return getattr(entry.obj, self._shape.grad, None)
        finally:
            self._looking = False


# ------------------------------------------------------------------ descriptors


class _Watched:
    """A data descriptor over an attribute of the engine's class that delegates to what was there."""

    def __init__(self, watch: ScalarPass, name: str, original: Any) -> None:
        self.watch = watch
        self.name = name
        self.original = original
        self.stored = hasattr(type(original), "__set__")  # a slot or a property

    def raw(self, obj: Any, owner: type | None) -> Any:
        if not self.stored:
            try:
                return obj.__dict__[self.name]
            except (AttributeError, KeyError):
                pass
        if hasattr(type(self.original), "__get__"):
            return self.original.__get__(obj, owner)
        if self.original is MISSING:
            raise AttributeError(f"{type(obj).__name__!r} object has no attribute {self.name!r}")
        return self.original

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        return self if obj is None else self.raw(obj, owner)

    def __set__(self, obj: Any, value: Any) -> None:
        if self.stored:
            self.original.__set__(obj, value)
        else:
            obj.__dict__[self.name] = value

    def __delete__(self, obj: Any) -> None:
        if self.stored:
            self.original.__delete__(obj)
        elif self.name in obj.__dict__:
            del obj.__dict__[self.name]
        else:
            raise AttributeError(self.name)


class _Grad(_Watched):
    """Sees each read and write of `grad`."""

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self
        value = self.raw(obj, owner)
        entry = self.watch.entry_of(obj)
        if entry is not None:
            self.watch.on_read(entry, value)
        return value

    def __set__(self, obj: Any, value: Any) -> None:
        entry = self.watch.entry_of(obj)
        if entry is None:
            super().__set__(obj, value)
            return
        self.watch.on_write(entry, value, partial(super().__set__, obj), _program_frame())


class _StepFunction(_Watched):
    """Hands out a node's step function so that calling it runs the node as a step."""

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self
        original = self.raw(obj, owner)
        entry = self.watch.entry_of(obj)
        if entry is None or not callable(original):
            return original
        return partial(self.watch.run, entry, original)


def _program_frame() -> FrameType:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and of_probe(frame.f_code):
        frame = frame.f_back
    assert frame is not None
    return frame


def _lookup(cls: type, name: str) -> Any:
    for base in cls.__mro__:
        if name in base.__dict__:
            return base.__dict__[name]
    return MISSING


# ------------------------------------------------------- gradients of any kind


def _same(a: Any, b: Any) -> bool:
    if a is b:
        return not hasattr(a, "shape")
    equal = a == b
    if hasattr(equal, "all"):
        return bool(equal.all())
    return bool(equal) or (a != a and b != b)


def _is_zero(grad: Any) -> bool:
    if grad is None:
        return True
    zero = grad == 0
    return bool(zero.all()) if hasattr(zero, "all") else bool(zero)


def _minus(after: Any, before: Any) -> Any:
    try:
        return after if before is None or _is_zero(before) else after - before
    except TypeError:
        return after


def _float(grad: Any) -> float | None:
    value = number(grad)
    return value if isinstance(value, float) else None
