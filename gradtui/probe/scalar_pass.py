"""Watching one pass of a scalar engine: the student's own `backward()` drives, this only looks on.

While the pass runs, the classes of the graph's objects carry two descriptors (`watched.py`): one
for the step function (a node runs) and one for `grad` (each read and write). They are taken away in
reverse, also when the pass raises.

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
from typing import Any, Protocol, TypeVar

from gradtui.probe.numbers import is_zero, minus, number, plain, same, snapshot
from gradtui.probe.scalar_graph import MISSING, Entry
from gradtui.probe.watched import Current, Watch, Watched, WatchedGrad, WatchedStep, lookup, storage
from gradtui.userapi import Shape
from gradtui.wire.messages import Accumulated, Place, Sent, Value, Write

T = TypeVar("T")


class Listener(Protocol):
    """Hears of steps as they happen."""

    def before(self, entry: Entry, received: Value | None) -> None: ...
    def after(self, step: Step, outside: list[Write], more: bool) -> None: ...
    def place(self, frame: FrameType | None) -> Place | None: ...
    def start_of(self, function: Any) -> Place | None: ...
    def fault(self, error: Exception) -> None: ...


class Step:
    """One run of one node."""

    __slots__ = ("entry", "failed", "function", "place", "received", "running", "split", "writes")

    def __init__(
        self, entry: Entry, received: Value | None, place: Place | None, function: Place | None
    ) -> None:
        self.entry = entry
        self.received = received
        self.place = place
        self.function = function
        self.writes: list[Sent] = []
        self.running = True
        self.failed = False  # the engine raised inside it
        self.split = False  # another node ran inside this one: its first part has been told


class ScalarPass:
    """Context manager around one `backward()` of a scalar engine; `current` names it meanwhile."""

    def __init__(self, entries: list[Entry], shape: Shape, listener: Listener, current: Current) -> None:
        self.entries = entries
        self.current = current
        self.lost = False  # a fault of ours: the rest of the pass goes unseen
        self._shape = shape
        self._listener = listener
        self._by_id = {id(entry.obj): entry for entry in entries}
        self._thread = threading.get_ident()
        self._restore: list[Callable[[], None]] = []
        self._grads: dict[type, WatchedGrad] = {}
        self._step: Step | None = None
        self._outside: list[Write] = []
        self._reads: list[Entry] = []  # for engines without step functions, newest last

    # -------------------------------------------------------------- lifetime

    def __enter__(self) -> ScalarPass:
        try:
            # a class after its bases: one that inherits a descriptor needs none of its own
            for cls in sorted({type(entry.obj) for entry in self.entries}, key=lambda c: len(c.__mro__)):
                self._install_both(cls)
            for entry in self.entries:
                entry.before = entry.known = snapshot(self._raw(entry))
        except BaseException:
            self.__exit__()
            raise
        self.current.watch = self
        return self

    def finish(self) -> None:
        """The engine's `backward` has returned or raised: tell of the last step."""
        self._guarded(self._close)

    def __exit__(self, *exc: object) -> None:
        self.current.watch = None
        for restore in reversed(self._restore):
            restore()
        self._restore.clear()

    def _install_both(self, cls: type) -> None:
        name, accessors = storage(cls, self._shape.grad)
        self._install(cls, name, partial(WatchedGrad, accessors=accessors))
        self._grads[cls] = lookup(cls, name)
        if self._shape.step is not None:
            self._install(cls, self._shape.step, WatchedStep)

    def _install(self, cls: type, name: str, kind: Callable[[Watch, str, Any], Watched]) -> None:
        original = lookup(cls, name)
        if isinstance(original, Watched) and original.watch is self:
            return
        own = name in cls.__dict__
        setattr(cls, name, kind(self, name, original))
        self._restore.append(partial(setattr, cls, name, original) if own else partial(delattr, cls, name))

    # ----------------------------------------------------------------- steps

    def entry_of(self, obj: Any) -> Entry | None:
        """The node of an object, None when it is not of this pass or the caller not of this thread."""
        entry = self._by_id.get(id(obj))
        if entry is None or self.lost or threading.get_ident() != self._thread:
            return None
        return entry

    def _guarded(self, work: Callable[..., T], *args: Any) -> T | None:
        """Our own work between two statements of the program: a fault there ends the watching only."""
        if self.lost:
            return None
        try:
            return work(*args)
        except Exception as error:
            self._listener.fault(error)
            self.lost, self._step = True, None
            return None

    def run(self, entry: Entry, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The engine runs a node: `original` is its own step function."""
        if self._step is not None and self._step.running:  # super()._backward(), or a recursive engine
            if self._step.entry is entry:
                return original(*args, **kwargs)
            return self._run_inside(self._step, entry, original, args, kwargs)
        step = self._guarded(self._open, entry, sys._getframe(1), original)
        if step is None:
            return original(*args, **kwargs)
        try:
            return original(*args, **kwargs)
        except BaseException:
            step.failed = True
            raise
        finally:
            step.running = False
            self._guarded(self._ran, step)

    def _ran(self, step: Step) -> None:
        """A node's step function has returned or raised."""
        if not step.writes:
            self._settle(step)
        if step.writes or step.split or step.entry.leaf:
            self._close()

    def _run_inside(
        self, outer: Step, entry: Entry, original: Callable[..., Any], args: Any, kwargs: Any
    ) -> Any:
        """A node run by another node's step function: the outer step ends where the inner one begins."""
        self._guarded(self._close, True)
        step = self._guarded(self._open, entry, sys._getframe(2), original)
        if step is None:
            return original(*args, **kwargs)
        try:
            return original(*args, **kwargs)
        except BaseException:
            step.failed = outer.failed = True
            raise
        finally:
            step.running = False
            self._guarded(self._close)
            self._step = outer  # which goes on, in a step of its own

    def _open(self, entry: Entry, frame: FrameType | None, function: Any = None) -> Step:
        self._close()
        received = number(self._raw(entry))
        self._listener.before(entry, received)
        entry.ran += 1
        listener = self._listener
        step = self._step = Step(entry, received, listener.place(frame), listener.start_of(function))
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
        for operand in step.entry.operands:
            now = self._raw(operand)
            if not same(now, operand.known):
                self._contribute(step, operand, (operand.known, now), step.place)

    # ------------------------------------------------------- reads and writes

    def on_read(self, entry: Entry, grad: Any) -> None:
        """The program reads a node's grad."""
        if type(grad) is float and self._shape.step is not None:
            entry.read = grad  # by far the most
        else:
            self._guarded(self._note_read, entry, grad)

    def _note_read(self, entry: Entry, grad: Any) -> None:
        entry.read = snapshot(grad)
        if self._shape.step is None:
            self._reads.append(entry)

    def on_write(self, entry: Entry, grad: Any, store: Callable[[Any], None], frame: FrameType) -> None:
        """The program writes a node's grad; `store` does it, once, whatever becomes of us."""
        before = self._guarded(self._about_to_write, entry, grad, frame)
        store(grad)
        if before is not None:
            self._guarded(self._written, entry, grad, *before, frame)

    def _about_to_write(self, entry: Entry, grad: Any, frame: FrameType) -> tuple[Any, bool]:
        """What the write replaces, and whether it adds to that."""
        if self._shape.step is None:
            self._infer_step(entry, frame)
        current = entry.known if hasattr(grad, "shape") else self._raw(entry)
        adds = entry.read is not MISSING and same(entry.read, current)
        entry.read = MISSING
        return current, adds

    def _written(self, entry: Entry, grad: Any, current: Any, adds: bool, frame: FrameType) -> None:
        step = self._step
        lost = not adds and not is_zero(current)
        place = self._listener.place(frame)
        if step is not None and entry is not step.entry and self._concerns(step, entry, lost, grad):
            self._contribute(step, entry, (current, self._raw(entry)), place, not adds, lost)
        else:
            entry.known = snapshot(self._raw(entry))
            self._outside.append(Write(entry.id, plain(current), plain(entry.known), place))

    def _concerns(self, step: Step, entry: Entry, lost: bool, grad: Any) -> bool:
        """Is this write a contribution of the open step? A reset to zero of an old gradient is not."""
        if not step.running and entry not in step.entry.operands:
            return False
        return not (lost and is_zero(grad) and not entry.gained)

    def _contribute(
        self,
        step: Step,
        entry: Entry,
        change: tuple[Any, Any],
        place: Place | None,
        sets: bool = False,
        lost: bool = False,
    ) -> None:
        before, after = change
        value = number(after if lost else minus(after, before))
        entry.known = snapshot(after)
        entry.gained += 1
        if value is not None:
            step.writes.append(Sent(entry.id, value, plain(before), plain(after), lost, place, sets))

    # --------------------------------------------- engines without step functions

    def _infer_step(self, target: Entry, frame: FrameType) -> None:
        """No step function to wait for: a write belongs to the user of `target` that was read last.

        The read that belongs to the write itself (`+=`) is forgotten with it, so that a node whose
        gradient is read once, before the loop over its operands, stays the last one read.
        """
        sender = next((e for e in reversed(self._reads) if target in e.operands), None)
        self._reads = [e for e in self._reads[-8:] if e is not target]
        if sender is None or (self._step is not None and self._step.entry is sender):
            return
        kept = target.read
        self._open(sender, frame)
        target.read = kept

    # --------------------------------------------------------------- accounts

    def account(self, entry: Entry) -> Accumulated:
        """A leaf's grad before the pass, what was added, and what it is now."""
        now = self._raw(entry)
        return Accumulated(entry.id, number(entry.before), number(minus(now, entry.before)), number(now))

    def zero(self) -> list[int]:
        """Zero the gradients that nodes hold from before the pass; one written since (the root's) stays."""
        zeroed = []
        for entry in self.entries:
            now = self._raw(entry)
            if not is_zero(now) and now is not None and same(now, entry.before):
                self._grads[type(entry.obj)].store(entry.obj, now * 0)
                entry.before = entry.known = snapshot(self._raw(entry))
                zeroed.append(entry.id)
        return zeroed

    def holds(self, entry: Entry) -> bool:
        """Does a node hold any gradient now, a number or not?"""
        return self._raw(entry) is not None

    def outside(self) -> list[Write]:
        """Writes since the last step, outside any node."""
        return self._outside

    def _raw(self, entry: Entry) -> Any:
        try:
            return self._grads[type(entry.obj)].raw(entry.obj)
        except AttributeError:
            return None
