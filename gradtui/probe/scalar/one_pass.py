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

import threading
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

from gradtui.probe.numbers import is_zero, minus, number, plain, same, snapshot
from gradtui.probe.scalar.graph import MISSING, Entry
from gradtui.probe.scalar.step import Listener, Step
from gradtui.probe.scalar.watched import Current, Watch, Watched, WatchedGrad, WatchedStep, lookup, storage
from gradtui.userapi import Shape
from gradtui.wire.messages import Accumulated, Place, Sent, Write


class ScalarPass:
    """Context manager around one `backward()` of a scalar engine; `current` names it meanwhile."""

    def __init__(self, entries: list[Entry], shape: Shape, listener: Listener, current: Current) -> None:
        self.entries = entries
        self.current = current
        self.lost = False  # a fault of ours: the rest of the pass goes unseen
        self._shape = shape
        self._listener = listener
        self.by_id = {id(entry.obj): entry for entry in entries}
        self.thread = threading.get_ident()
        self._restore: list[Callable[[], None]] = []
        self._grads: dict[type, WatchedGrad] = {}
        self.step_functions = shape.step is not None
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
                entry.grad = self._grads[type(entry.obj)].raw
                entry.before = entry.known = snapshot(_raw(entry))
                entry.slots = tuple([operand.id for operand in entry.operands])
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
        # What is left refers to each other: the engine's objects shall not wait for a garbage collection.
        self._restore.clear()
        self._grads.clear()
        self.by_id.clear()
        self.entries.clear()

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

    def _guarded(self, work: Callable[..., None], *args: Any) -> None:
        """Our own work between two statements of the program: a fault there ends the watching only."""
        if not self.lost:
            try:
                work(*args)
            except Exception as error:
                self._lose(error)

    def _lose(self, error: Exception) -> None:
        """A fault of ours: the program goes on unseen. What it raised itself meanwhile is raised again."""
        self._listener.fault(error)
        self.lost, self._step = True, None
        self.by_id.clear()

    def run(
        self,
        entry: Entry,
        frame: FrameType,
        original: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """The engine runs a node from `frame`: `original` is its own step function."""
        outer = self._step
        if outer is not None and outer.running:  # super()._backward(), or a recursive engine
            if outer.entry is entry:
                return original(*args, **kwargs)
            return self._run_inside(outer, entry, frame, original, args, kwargs)
        try:
            step = self._open(entry, frame, original)
        except Exception as error:
            self._lose(error)
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
        if step.writes or step.split or not step.entry.operands:
            self._close()

    def _run_inside(
        self,
        outer: Step,
        entry: Entry,
        frame: FrameType,
        original: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """A node run by another node's step function: the outer step ends where the inner one begins."""
        try:
            self._close(True)
            step = self._open(entry, frame, original)
        except Exception as error:
            self._lose(error)
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
        if self._step is not None:
            self._close()
        listener = self._listener
        listener.before(entry, number(_raw(entry)))
        received = number(_raw(entry))  # the person may have replaced it
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
            now = _raw(operand)
            if now is not operand.known and not same(now, operand.known):
                self._contribute(step, operand, operand.known, now, step.place)

    # ------------------------------------------------------- reads and writes

    def on_read(self, entry: Entry, grad: Any) -> None:
        """The program reads a node's grad."""
        self._guarded(self._note_read, entry, grad)

    def _note_read(self, entry: Entry, grad: Any) -> None:
        entry.read = snapshot(grad)
        if not self.step_functions:
            self._reads.append(entry)

    def on_write(self, entry: Entry, grad: Any, over: WatchedGrad, frame: FrameType) -> None:
        """The program writes a node's grad; `over` does it, once, whatever becomes of us."""
        try:
            current, adds = self._about_to_write(entry, grad, frame)
        except Exception as error:
            self._lose(error)
            over.write(entry.obj, grad)
            return
        over.write(entry.obj, grad)
        try:
            self._written(entry, grad if over.faithful else _raw(entry), current, adds, frame)
        except Exception as error:
            self._lose(error)

    def _about_to_write(self, entry: Entry, grad: Any, frame: FrameType) -> tuple[Any, bool]:
        """What the write replaces, and whether it adds to that."""
        if not self.step_functions:
            self._infer_step(entry, frame)
        current = _raw(entry) if type(grad) is float or not hasattr(grad, "shape") else entry.known
        read, entry.read = entry.read, MISSING
        adds = read is not MISSING and (read is current or same(read, current))
        return current, adds

    def _written(self, entry: Entry, now: Any, current: Any, adds: bool, frame: FrameType) -> None:
        """The gradient is `now`, and was `current`."""
        step = self._step
        lost = not adds and not is_zero(current)
        place = self._listener.place(frame)
        if step is not None and self._concerns(step, entry, lost, now):
            self._contribute(step, entry, current, now, place, not adds, lost)
        else:
            entry.known = snapshot(now)
            self._outside.append(Write(entry.id, plain(current), plain(entry.known), place))

    def _concerns(self, step: Step, entry: Entry, lost: bool, grad: Any) -> bool:
        """Is this write a contribution of the open step? A reset to zero of an old gradient is not."""
        if entry is step.entry or (not step.running and entry not in step.entry.operands):
            return False
        return not (lost and is_zero(grad) and not entry.gained)

    def _contribute(
        self,
        step: Step,
        entry: Entry,
        before: Any,
        after: Any,
        place: Place | None,
        sets: bool = False,
        lost: bool = False,
    ) -> None:
        entry.gained += 1
        if type(after) is float and type(before) is float:  # by far the most
            entry.known = after
            added = after if lost or not before else after - before
            step.writes.append(Sent(entry.id, added, before, after, lost, place, sets))
            return
        value = number(after if lost else minus(after, before))
        entry.known = snapshot(after)
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
        now = _raw(entry)
        return Accumulated(entry.id, number(entry.before), number(minus(now, entry.before)), number(now))

    def zero(self) -> list[int]:
        """Zero the gradients that nodes hold from before the pass; one written since (the root's) stays."""
        zeroed = []
        for entry in self.entries:
            now = _raw(entry)
            if not is_zero(now) and now is not None and same(now, entry.before):
                self._grads[type(entry.obj)].store(entry.obj, now * 0)
                entry.before = entry.known = snapshot(_raw(entry))
                zeroed.append(entry.id)
        return zeroed

    def grad_of(self, entry: Entry) -> Any:
        """What a node's grad holds now, unseen."""
        return _raw(entry)

    def replace(self, entry: Entry, gradient: float) -> None:
        """Let a node hold this, unseen; a leaf that and what it held before the pass."""
        now = _raw(entry)
        before = number(entry.before) if entry.leaf else None
        new = gradient + before if isinstance(before, float) else gradient
        self._grads[type(entry.obj)].store(entry.obj, new if type(now) in (float, int) else type(now)(new))
        entry.known = snapshot(_raw(entry))

    def holds(self, entry: Entry) -> bool:
        """Does a node hold any gradient now, a number or not?"""
        return _raw(entry) is not None

    def outside(self) -> list[Write]:
        """Writes since the last step, outside any node."""
        return self._outside


def _raw(entry: Entry) -> Any:
    """A node's grad as the engine would read it, unseen; None where it has none."""
    try:
        return entry.grad(entry.obj)
    except AttributeError:
        return None
