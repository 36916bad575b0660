"""Watches scalar engines: finds them, learns of every value made, reports each pass with its twin."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType
from typing import Any

from gradtui.probe.faults import is_ours
from gradtui.probe.gradients import Gradients
from gradtui.probe.places import of_probe
from gradtui.probe.quietly import load_torch
from gradtui.probe.reporter import Reporter, message_of
from gradtui.probe.scalar.engines import Engines, codes
from gradtui.probe.scalar.graph import (
    Birth,
    Entry,
    Made,
    Reader,
    constant_operand,
    ordered_operands,
    reference_to,
    users_first,
)
from gradtui.probe.scalar.names import ScalarNames
from gradtui.probe.scalar.one_pass import ScalarPass
from gradtui.probe.scalar.operations import side_of, sign_of
from gradtui.probe.scalar.report import ScalarReport
from gradtui.probe.scalar.twin import LARGEST, TwinGraph
from gradtui.probe.scalar.watched import Current
from gradtui.probe.signals import Held
from gradtui.userapi import Shape

_BINARY_METHODS = {
    f"__{side}{name}__" for name in ("pow", "mul", "truediv", "add", "sub") for side in ("", "r")
} | {"pow"}


def _constant(frame: FrameType) -> float | None:
    """The plain number beside the one operand of a node, if a binary operation made it."""
    while of_probe(frame.f_code) and frame.f_back is not None:  # of a recording around this one
        frame = frame.f_back
    return constant_operand(frame) if frame.f_code.co_name in _BINARY_METHODS else None


class ScalarWatcher:
    """Context manager; `scan` also looks among classes that exist already (`record()`)."""

    def __init__(self, reporter: Reporter, scan: bool = False, twin: bool = True) -> None:
        self._reporter = reporter
        self._places = reporter.places
        self._scan = scan
        self._twin = twin
        self._made: dict[int, Made | Birth] = {}  # by id(); replaced when the address is reused
        self._known_classes: dict[type, int] = {}  # with how many members each had when looked at
        self._pass_thread: int | None = None
        self._watching = threading.Lock()  # passes lay descriptors over classes: one at a time
        self._told_of_threads = False
        self._engines = Engines(self._on_made, self.run_pass, self._learn)
        self._gradients = Gradients(reporter)
        self._current = Current()
        self._names = ScalarNames(self._engines, self._places)

    def __enter__(self) -> ScalarWatcher:
        self._engines.start(self._scan)
        return self

    def __exit__(self, *exc: object) -> None:
        try:
            self._gradients.look()
        except Exception as error:
            self._reporter.fault(error, "look at gradients")
        self._engines.stop()
        self._made.clear()

    # -------------------------------------------------------------- forward

    def _learn(self, cls: type, shape: Shape) -> None:
        """Take note of the functions of an engine's class, which may have got more since."""
        members = sum([len(base.__dict__) for base in cls.__mro__])
        if self._known_classes.get(cls) != members:
            self._known_classes[cls] = members
            self._places.add_engine_code(codes(cls), shape.step)

    def _on_made(self, obj: Any, shape: Shape, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """An engine's object was made: remember its operands in order, and the line."""
        try:
            frame = sys._getframe(2)
            kept: Any = getattr(obj, shape.inputs, None)
            kind = type(kept)
            operands: tuple[int, ...] | None = None
            constant = None
            # What keeps two operands in order is not asked for their order: so it is with most nodes.
            if not ((kind is tuple or kind is list) and len(kept) == 2 and kept[0] is not kept[1]):
                operands = self._operands(args, kwargs, kept)
                if operands is not None and len(operands) == 1:
                    constant = _constant(frame)
            self._made[id(obj)] = (reference_to(obj), operands, self._places.stack(frame), constant)
        except Exception as error:
            self._reporter.fault(error, "see how a node was made")

    def _operands(self, args: tuple[Any, ...], kwargs: dict[str, Any], kept: Any) -> tuple[int, ...] | None:
        if callable(kept):
            return None
        operands = ordered_operands(args, kept)
        return ordered_operands(kwargs.values(), kept) if operands is None and kwargs else operands

    def _made_of(self, obj: Any, shape: Shape) -> Made:
        made = self._made.get(id(obj))
        if type(made) is tuple:
            made = self._made[id(obj)] = Made(*made)
        if not isinstance(made, Made) or not made.fits(obj, shape):
            made = self._made[id(obj)] = Made(reference_to(obj))
        if not made.node:
            made.node = self._reporter.new_node()
        return made

    def _made_by(self, made: Made) -> list[str]:
        """The names of the engine's functions that made a node, innermost first."""
        return self._places.engine_functions(made.stack)

    def _op_of(self, made: Made) -> str:
        """The op of a node that does not name it: told by the engine's function that made the node."""
        for function in self._places.engine_functions(made.stack):
            sign = sign_of(function)
            if sign == "**" and made.constant is not None and side_of([function], sign) == "right":
                return f"**{made.constant:g}"
            if sign is not None:
                return sign
        return ""

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
        if not self._reporter.enabled:
            self._reporter.unwatched += 1
            return original(root, *args, **kwargs)
        if self._pass_thread == thread:
            return original(root, *args, **kwargs)
        if not self._watching.acquire(blocking=False):
            self._tell_of_threads()
            return original(root, *args, **kwargs)
        self._pass_thread = thread
        limit = sys.getrecursionlimit()
        raised = limit + 64  # our frames must not be what ends a deep recursion of the engine's own
        try:
            sys.setrecursionlimit(raised)
            return self._watched(root, shape, original, args, kwargs)
        finally:
            if sys.getrecursionlimit() == raised:  # else the program has set its own meanwhile
                sys.setrecursionlimit(limit)
            self._pass_thread = None
            self._watching.release()

    def _tell_of_threads(self) -> None:
        if not self._told_of_threads:
            self._told_of_threads = True
            self._reporter.notice("passes that ran while another thread was inside one are not shown")

    def _watched(
        self,
        root: Any,
        shape: Shape,
        original: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        caller = sys._getframe(3)
        signals = Held()
        with ExitStack() as watching:
            watching.callback(signals.release)
            signals.take()
            described = self._describe(root, shape, caller, (*args, *kwargs.values()), watching)
            if described is None:
                signals.release()
                return original(root, *args, **kwargs)
            watch, report = described
            error = None
            try:
                signals.release()
                return original(root, *args, **kwargs)
            except BaseException as raised:
                error = message_of(raised)
                raise
            finally:
                try:
                    signals.take()
                finally:  # the last one may still have come before that
                    self._finish(watch, report, error)
                signals.release()
                report.stop()

    def _finish(self, watch: ScalarPass, report: ScalarReport, error: str | None) -> None:
        """The engine's `backward` has returned or raised: the account of it, which must not fail either."""
        try:
            try:
                watch.finish()
            finally:
                report.end(error)
        except Exception as fault:
            self._reporter.fault(fault)

    def _describe(
        self, root: Any, shape: Shape, caller: FrameType, arguments: tuple[Any, ...], watching: ExitStack
    ) -> tuple[ScalarPass, ScalarReport] | None:
        """Lay the watch over the graph of a pass; None (and a notice) where it cannot be watched."""
        try:
            entries = Reader(shape, lambda obj: self._made_of(obj, shape), self._op_of).walk(root)
            for cls in {type(entry.obj) for entry in entries}:
                self._learn(cls, shape)
            order = users_first(entries)[::-1]
            self._names.settle(entries, order, caller)
            twin = self._twin_for(entries, order, shape, arguments)
            report = ScalarReport(self._reporter, entries, twin, shape, self._gradients)
            watch = watching.enter_context(ScalarPass(entries, shape, report, self._current))
            report.begin(watch, caller)
            return watch, report
        except Exception as error:
            watching.close()
            self._reporter.fault(error)
            return None

    def _twin_for(
        self, entries: list[Entry], order: list[Entry], shape: Shape, arguments: tuple[Any, ...]
    ) -> TwinGraph | str | None:
        """The twin of this pass, or why there is none; None when the person wants none."""
        if not self._twin:
            return None
        if len(entries) > LARGEST:
            return f"the graph has {len(entries):,} nodes; twins are built up to {LARGEST:,}"
        torch = self._torch()
        if isinstance(torch, str):
            return torch
        seeds = [a for a in arguments if type(a) in (int, float)]
        try:
            with self._reporter.mute():
                seed = float(seeds[0]) if seeds else 1.0
                return TwinGraph(torch, entries, order, shape, seed, self._made_by)
        except (RuntimeError, TypeError, ValueError) as error:
            if not is_ours(error, self._places.of_engine):
                raise
            return f"torch could not run this graph: {error}"

    def _torch(self) -> Any:
        module = sys.modules.get("torch")
        if module is None:
            if importlib.util.find_spec("torch") is None:
                return "torch is not installed"
            self._reporter.progress("loading torch for the twin")
            try:
                module = load_torch()
            except Exception as error:
                if not is_ours(error, self._places.of_engine):
                    raise
                return f"torch could not be loaded: {error}"
            finally:
                self._reporter.progress("")
        return module if hasattr(module, "autograd") else "the module 'torch' here is not PyTorch"
