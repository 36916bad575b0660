"""The forward map: which line and module made each node, and the forward value of small results.

Under a `TorchFunctionMode`, every operation owns the range of sequence numbers that were given out
while it ran; a node carries its number. Costs two counter reads and a walk over frame pointers per
operation, a look at the locals of the innermost module call, and one at the type of what was made: other
threads count for themselves, and a node of theirs shall not be taken for one with the same number. That
is left out where there are so many nodes that to have looked at each would be a danger (`deep_graphs`).
Known limits: what other threads made, and operations made before watching began, have no lines; a node of
another thread may have that of a node of the same type and number.

`Function.apply` does not pass through modes, so it is wrapped for the same purpose. Both step aside
while torch compiles or traces: Dynamo follows the program's calls into a mode's Python code.
"""

from __future__ import annotations

import sys
import threading
import weakref
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch.overrides import TorchFunctionMode

from gradtui.probe.explain.deeds import Deeds
from gradtui.probe.faults import is_ours
from gradtui.probe.frames import variable
from gradtui.probe.places import Places
from gradtui.probe.pytorch.blame import Callers, leave_no_trace, unseen
from gradtui.probe.pytorch.deep_graphs import DEEP
from gradtui.probe.pytorch.fastpath import FastPaths
from gradtui.probe.pytorch.modes import lay, lift, lift_soon, on_stack, put_on_top
from gradtui.probe.pytorch.private import MODULE_CALL, being_compiled, grad_fn_of, next_sequence_number
from gradtui.probe.pytorch.summaries import summarize
from gradtui.wire.messages import Summary

KEPT = 400_000
"""Operations remembered; of older ones half are forgotten at once."""
SMALL = 8
"""Elements of a result whose forward value is remembered."""
VALUES = 20_000
"""Forward values remembered, some 10 MB; of older ones half are forgotten at once."""


def _running_module(frame: Any) -> int:
    while frame is not None:
        if frame.f_code is MODULE_CALL:
            return id(variable(frame, "self"))
        frame = frame.f_back
    return 0


class Operation(NamedTuple):
    """A torch function that made nodes."""

    end: int
    """Behind the sequence number of its last node."""
    stack: int
    """Where it was called."""
    module: int
    """The `id()` of the innermost module that ran, 0 for none."""
    kind: int
    """The `id()` of the type of its last node, whose result it returned; 0 where that is not known."""


class ForwardMap(TorchFunctionMode):
    """Context manager; active in the thread that enters it."""

    def __init__(self, places: Places, fault: Callable[[Exception], object] = lambda _: None) -> None:
        """`fault`: is told what went wrong in our own work."""
        super().__init__()
        self._places = places
        self._fault = fault
        self.deeds = Deeds(places)
        """What else the forward did."""
        self._starts: list[int] = []
        """The sequence numbers of the first nodes of `_operations`."""
        self._operations: list[Operation] = []
        self._here = threading.local()
        """Has `entered` in the thread that entered; an ident would be given to another thread later."""
        self._values: dict[int, Summary] = {}
        self._ran: dict[int, tuple[int, int]] = {}
        self._ran_until = 0, 0
        """How many operations there were when that was noted, and the number of the last one."""
        self._callers = Callers()
        self._apply: Any = None
        self._fast_paths = FastPaths(self)
        self._again = 0
        """How often it lies on the stack for a second time."""
        self._seen = 0
        """Nodes that were looked at, less those that a pass has come by and made safe."""
        self._left = False
        """Is the watching over? It may have to stay on torch's stack for a while, and does nothing there."""

    # -------------------------------------------------------------- lifetime

    def __enter__(self) -> ForwardMap:
        self._wrap_apply()
        self._fast_paths.__enter__()
        lay(self)
        self._here.entered = True
        return self

    def __exit__(self, *exc: Any) -> None:
        self._left = True
        if self._again or not self._lifted():
            lift_soon(self._lifted)
        self._fast_paths.__exit__()
        torch.autograd.Function.apply = self._apply  # type: ignore[method-assign]

    @contextmanager
    def within_pass(self, nodes: int) -> Iterator[None]:
        """While a pass over so many nodes runs.

        Torch has taken us off for the call of backward, and a checkpoint computes its part of the forward
        again in there.
        """
        self._seen = max(0, self._seen - nodes)
        taken_off = self._is_here() and not self._left and not on_stack(self)
        if taken_off:
            put_on_top(self)
        self._again += taken_off
        try:
            with self.deeds.recomputing():
                yield
        finally:
            self._again -= taken_off
            if taken_off:
                lift(self)

    def leave(self) -> None:
        """Do nothing any more, wherever it is entered: in a forked child."""
        self._left = True

    def _lifted(self) -> bool:
        """Is it off the stack? The modes of another thread are out of reach."""
        return self._is_here() and lift(self)

    def _is_here(self) -> bool:
        return hasattr(self._here, "entered")

    def _wrap_apply(self) -> None:
        self._apply = torch.autograd.Function.__dict__["apply"]
        original: Callable[..., Any] = self._apply.__func__
        reference = weakref.ref(self)  # the program may keep a function's `apply` for good

        @unseen
        def apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
            watching = reference()
            if watching is None or watching._left or being_compiled():
                return original(cls, *args, **kwargs)
            before = next_sequence_number()
            out = original(cls, *args, **kwargs)
            if next_sequence_number() > before:
                try:
                    if watching._is_here():  # another thread counts for itself
                        watching._made(before, out, sys._getframe(1))
                        watching.deeds.cuts.use(args, before)
                except Exception as error:
                    watching._contain(error)
            return out

        torch.autograd.Function.apply = classmethod(apply)  # type: ignore[assignment, method-assign]

    # --------------------------------------------------------------- watching

    @unseen
    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if self._left or being_compiled() or not self.deeds.matters(func):
            return func(*args, **(kwargs or {}))
        frame = sys._getframe(1)
        before = next_sequence_number()
        out = self._callers.of(frame)(func, args, kwargs or {})
        made = next_sequence_number() > before
        try:
            if made:
                self._made(before, out, frame)
            self.deeds.done(func, args, kwargs or {}, out, made, frame, before)
        except Exception as error:
            self._contain(error)
        return out

    def _contain(self, error: Exception) -> None:
        if not is_ours(error):
            raise error
        self._fault(error)

    def _made(self, before: int, out: Any, frame: Any) -> None:
        if torch.is_anomaly_enabled():
            leave_no_trace(out, before)
        starts, end = self._starts, next_sequence_number()
        at = len(starts)
        if starts and before < starts[-1]:  # operations inside this one have their own lines already
            at = bisect_right(starts, before)
            if at and before < self._operations[at - 1].end:
                return
            end = min(end, starts[at])
        node = None
        if type(out) is torch.Tensor and self._seen < DEEP:
            node = grad_fn_of(out)
            self._seen += node is not None
        number = -1 if node is None else node._sequence_nr()
        kind = id(type(node)) if number == end - 1 else 0
        if len(self._operations) != len(starts):  # a handler of the program's raised in the lines below
            del self._operations[len(starts) :]
        self._operations.insert(at, Operation(end, self._places.stack(frame), _running_module(frame), kind))
        starts.insert(at, before)
        if len(starts) > KEPT:
            self._forget()
        if node is not None and out.numel() <= SMALL and out.is_cpu:
            summary = summarize(out, False)
            if summary is not None:
                self._values[number] = summary
                if len(self._values) > VALUES:
                    self._values = dict(islice(self._values.items(), VALUES // 2, None))

    def _forget(self) -> None:
        del self._operations[: KEPT // 2]
        del self._starts[: KEPT // 2]

    def forget_values(self, sequence_numbers: Iterable[int]) -> None:
        """The graph of these nodes has been freed: nobody will ask for their values again."""
        if self._is_here():
            for number in sequence_numbers:
                self._values.pop(number, None)

    # ----------------------------------------------------------------- asking

    def made(self, node: Any) -> Operation | None:
        """The operation that made a node; None where it was not seen, or where the node that got this number
        in this thread is another one."""
        if not self._is_here():
            return None  # a pass in another thread: most likely its graph was numbered there too
        number = node._sequence_nr()
        i = bisect_right(self._starts, number) - 1
        if i < 0:
            return None
        found = self._operations[i]
        if number >= found.end or (number == found.end - 1 and found.kind not in (0, id(type(node)))):
            return None
        return found

    def value_of(self, node: Any) -> Summary | None:
        """The forward value of a node, where it was small."""
        return self._values.get(node._sequence_nr()) if self._values and self.made(node) else None

    def ran(self, module: int) -> tuple[int, int] | None:
        """The first and the last sequence number of what was made while this module was innermost."""
        if not self._is_here():
            return None
        known = len(self._starts), self._starts[-1] if self._starts else 0
        if known != self._ran_until:
            self._ran_until = known
            self._ran = {}
            for start, operation in zip(self._starts, self._operations):
                first, _ = self._ran.get(operation.module, (start, start))
                self._ran[operation.module] = first, start
        return self._ran.get(module)


def returned_by(operation: Operation | None, node: Any) -> bool:
    """Is a node of an operation the last one, whose result was returned?"""
    return operation is not None and node._sequence_nr() == operation.end - 1
