"""Watches scalar engines: finds them, reports each pass, stops between nodes, sets the twin beside them."""

from __future__ import annotations

import importlib.util
import math
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from gradtui.probe import names
from gradtui.probe.engines import Engines
from gradtui.probe.places import Places, of_probe
from gradtui.probe.reporter import Reporter
from gradtui.probe.scalar_graph import MISSING, Entry, Made, attribute, ordered_operands, walk
from gradtui.probe.scalar_pass import ScalarPass, Step
from gradtui.probe.twin import LARGEST, TwinGraph
from gradtui.userapi import Shape
from gradtui.wire.messages import (
    Node,
    PassBegan,
    PassEnded,
    Place,
    Sent,
    Stepped,
    Twin,
    Value,
    Write,
)


class ScalarWatcher:
    """Context manager; `scan` also looks among classes that exist already (`record()`)."""

    def __init__(self, reporter: Reporter, scan: bool = False, twin: bool = True) -> None:
        self._reporter = reporter
        self._places = reporter.places
        self._scan = scan
        self._twin = twin
        self._made: dict[int, Made] = {}  # by id(); an entry is replaced when the address is reused
        self._running: set[int] = set()  # threads inside a pass
        self._engines = Engines(self._on_made, self.run_pass, self._places.add_engine_code)

    def __enter__(self) -> ScalarWatcher:
        self._engines.start(self._scan)
        return self

    def __exit__(self, *exc: object) -> None:
        self._engines.stop()
        self._made.clear()

    # -------------------------------------------------------------- forward

    def _on_made(self, obj: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """An engine's object was made: remember its operands in order, and the line."""
        shape = self._engines.shape_of(obj)
        if shape is None:
            return
        kept = getattr(obj, shape.inputs, None)
        if not kept or callable(kept):
            operands: tuple[int, ...] | None = () if not kept else None
        else:
            operands = ordered_operands(args, kept)
            if operands is None:
                operands = ordered_operands(kwargs.values(), kept)
        self._made[id(obj)] = Made(operands, self._places.stack(sys._getframe(2)))

    def _made_of(self, obj: Any) -> Made:
        made = self._made.get(id(obj))
        if made is None:
            made = self._made[id(obj)] = Made(None, None)
        if not made.node:
            made.node = self._reporter.new_node()
        return made

    # ----------------------------------------------------------------- pass

    def run_pass(
        self,
        root: Any,
        shape: Shape,
        original: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """The program called `root.backward(...)`: let it, and report."""
        thread = threading.get_ident()
        if not self._reporter.enabled or thread in self._running:
            return original(root, *args, **kwargs)
        self._running.add(thread)
        limit = sys.getrecursionlimit()
        try:
            # our frames must not be what ends a deep recursion of the engine's own
            sys.setrecursionlimit(limit + 64)
            return self._watched(root, shape, original, args, kwargs)
        finally:
            sys.setrecursionlimit(limit)
            self._running.discard(thread)

    def _watched(
        self,
        root: Any,
        shape: Shape,
        original: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        caller = sys._getframe(3)
        entries = walk(root, shape, self._made_of)
        _Naming(entries, self._places).run(caller)
        listener = _Listener(self._reporter, entries, self._twin_for(entries, args, kwargs))
        error = None
        with ScalarPass(entries, shape, listener) as watch:
            listener.begin(watch, self._places.use(self._places.stack(caller)))
            try:
                return original(root, *args, **kwargs)
            except BaseException as raised:
                error = f"{type(raised).__name__}: {raised}"
                raise
            finally:
                watch.finish()
                listener.end(error)

    def _twin_for(
        self, entries: list[Entry], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> TwinGraph | str | None:
        """The twin of this pass, or why there is none; None when the person wants none."""
        if not self._twin:
            return None
        if len(entries) > LARGEST:
            return f"the graph has {len(entries):,} nodes; twins are built up to {LARGEST:,}"
        torch = self._torch()
        if isinstance(torch, str):
            return torch
        seeds = [a for a in (*args, *kwargs.values()) if type(a) in (int, float)]
        try:
            with self._reporter.mute():
                return TwinGraph(torch, entries, float(seeds[0]) if seeds else 1.0)
        except (RuntimeError, TypeError, ValueError) as error:
            return f"torch could not run this graph: {error}"

    def _torch(self) -> Any:
        module = sys.modules.get("torch")
        if module is None:
            if importlib.util.find_spec("torch") is None:
                return "torch is not installed"
            self._reporter.progress("loading torch for the twin")
            try:
                import torch as module
            except Exception as error:
                return f"torch could not be loaded: {error}"
            finally:
                self._reporter.progress("")
        return module if hasattr(module, "autograd") else "the module 'torch' here is not PyTorch"


class _Naming:
    """Gives every node of a pass its name: a variable's path, a label, or the expression written out."""

    def __init__(self, entries: list[Entry], places: Places) -> None:
        self._entries = entries
        self._places = places
        self._wanted = {id(e.obj): e for e in entries if e.made.name is None}

    def run(self, caller: FrameType) -> None:
        """Search from the frame that called backward, then write out what stayed unnamed."""
        frames = user_frames(caller, self._places)
        names.search(frames, self._claim, lambda: not self._wanted)
        for entry in reversed(self._entries):
            self._settle(entry)
        for entry in reversed(self._entries):  # operands may come after their users in the walk
            if entry.name is None:
                self._settle(entry)

    def _claim(self, obj: Any, path: str) -> bool:
        entry = self._wanted.pop(id(obj), None)
        if entry is None:
            return False
        entry.made.name = path
        return True

    def _settle(self, entry: Entry) -> None:
        label = attribute(entry.obj, "label")
        named = entry.made.name or (label if isinstance(label, str) and label else None)
        if named is not None:
            entry.name, entry.named = named, True
        elif entry.leaf:
            entry.name = f"{entry.value:g}" if isinstance(entry.value, float) else None
        else:
            entry.name = names.written_out(_sign(entry.op), [o.name for o in entry.operands])


def _sign(op: str) -> str:
    """The mathematical sign of an op that an engine calls by a word."""
    words = {"add": "+", "sub": "-", "mul": "*", "div": "/", "truediv": "/", "pow": "**"}
    return words.get(op.lower().strip("_"), op)


def user_frames(frame: FrameType | None, places: Places) -> list[FrameType]:
    """The frames from `frame` outwards whose code is the user's own; all that are not ours if none is."""
    every = []
    while frame is not None:
        if not of_probe(frame.f_code):
            every.append(frame)
        frame = frame.f_back
    return [f for f in every if places.is_user(f.f_code)] or every[:1]


class _Listener:
    """Turns what `ScalarPass` sees into messages, and stops the program before each node."""

    def __init__(
        self, reporter: Reporter, entries: list[Entry], twin: TwinGraph | str | None
    ) -> None:
        self._reporter = reporter
        self._entries = entries
        self._twin = twin
        self._number = reporter.new_pass()
        self._steps = 0
        self._accounted: dict[int, Value | None] = {}
        self._watch: ScalarPass | None = None

    def begin(self, watch: ScalarPass, stack: int | None) -> None:
        self._watch = watch
        self._reporter.began(
            PassBegan(
                self._number,
                "scalar",
                (self._entries[0].id,),
                tuple([self._node(entry) for entry in self._entries]),
                stack,
                tuple(
                    (e.id, float(e.before))
                    for e in self._entries
                    if e.leaf and isinstance(e.before, (int, float)) and e.before != 0
                ),
            )
        )

    def _node(self, entry: Entry) -> Node:
        return Node(
            entry.id,
            entry.op,
            tuple([operand.id for operand in entry.operands]),
            entry.leaf,
            entry.name,
            entry.named,
            entry.value,
            self._reporter.places.use(entry.made.stack),
        )

    def before(self, entry: Entry, received: Value | None) -> None:
        self._reporter.before_node(self._number, self._steps, entry.id, (received,))

    def place(self, frame: FrameType | None) -> Place | None:
        return self._reporter.places.place(frame)

    def after(self, step: Step, outside: list[Write], more: bool) -> None:
        entry = step.entry
        self._steps += 1
        accumulated = None
        received = step.received
        if entry.leaf and self._watch is not None:
            accumulated = self._watch.account(entry)
            self._accounted[entry.id] = accumulated.after
            received = accumulated.added
        self._reporter.stepped(
            Stepped(
                self._number,
                self._steps,
                entry.id,
                (received,),
                _by_slot(entry, step.writes),
                accumulated,
                self._twin_of(entry, received),
                (),
                tuple(outside),
                step.place,
                more,
            )
        )

    def _twin_of(self, entry: Entry, received: Value | None) -> Twin | None:
        if self._twin is None or isinstance(self._twin, str):
            return None if self._twin is None else Twin(missing=self._twin)
        if not isinstance(received, float):
            return Twin(missing="its gradient is not one number")
        with self._reporter.mute():
            return self._twin.of(entry, received)

    def end(self, error: str | None) -> None:
        watch = self._watch
        assert watch is not None
        accounts = []
        for entry in self._entries:
            if entry.leaf:
                account = watch.account(entry)
                seen = self._accounted.get(entry.id, MISSING)
                unchanged = seen == account.after or (_nan(seen) and _nan(account.after))
                if not unchanged:
                    accounts.append(account)
        self._reporter.ended(
            PassEnded(self._number, error, tuple(accounts), tuple(watch.outside())), self._steps
        )


def _nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _by_slot(entry: Entry, writes: list[Sent]) -> tuple[Sent | None, ...]:
    """The writes of a step beside the operands they went to; further ones at the end."""
    slots: list[Sent | None] = [None] * len(entry.operands)
    further: list[Sent] = []
    for write in writes:
        for i, operand in enumerate(entry.operands):
            if operand.id == write.to and slots[i] is None:
                slots[i] = write
                break
        else:
            further.append(write)
    return (*slots, *further)
