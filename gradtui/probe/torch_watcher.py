"""Watches torch: every pass enters the engine through one door, and the forward is mapped on the way."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch

from gradtui.probe.faults import is_ours
from gradtui.probe.forward import ForwardMap
from gradtui.probe.gradients import Gradients
from gradtui.probe.places import of_probe
from gradtui.probe.reporter import Reporter
from gradtui.probe.scalar_names import user_frames
from gradtui.probe.signals import Held
from gradtui.probe.summaries import summarize
from gradtui.probe.torch_gradients import TorchLeaf
from gradtui.probe.torch_names import TorchNames
from gradtui.probe.torch_pass import TorchPass, walk
from gradtui.probe.torch_private import (
    being_compiled,
    on_optimizer_step,
    replace_engine_entry,
    root_node,
    untouched,
)
from gradtui.wire.messages import Node, PassBegan, PassEnded, Summary, Value


class TorchWatcher:
    """Context manager. `full`: read large tensors always, not only at a stop. `home`: the probe's own thread.

    The forward is mapped in that thread only, from its first pass at the latest: a function mode left
    behind in a thread that ends takes the interpreter with it (torch 2.13).
    """

    def __init__(self, reporter: Reporter, full: bool, home: int) -> None:
        self._home = home
        self._reporter = reporter
        self._full = full
        self._forward = ForwardMap(reporter.places)
        self._names = TorchNames()
        self._leaf_ids: dict[int, tuple[weakref.ref[Any], int]] = {}
        self._inner_ids: dict[tuple[int, str], int] = {}
        self._gradients = Gradients(reporter)
        self._optimizers: Any = None
        self._original: Any = None
        self._mapping = False

    def __enter__(self) -> TorchWatcher:
        self._original = replace_engine_entry(self._run)
        try:
            self._map_forward()
            self._optimizers = on_optimizer_step(self._optimizer_stepped)
        except BaseException:
            replace_engine_entry(self._original)
            raise
        return self

    def _map_forward(self) -> None:
        if not self._mapping and threading.get_ident() == self._home:
            self._forward.__enter__()
            self._mapping = True

    def __exit__(self, *exc: object) -> None:
        self._guarded(self._gradients.look)
        self._optimizers.remove()
        if self._mapping:
            self._forward.__exit__(None, None, None)
        replace_engine_entry(self._original)

    def _optimizer_stepped(self, optimizer: Any, *_: Any) -> None:
        if self._reporter.enabled and not being_compiled():
            self._guarded(self._tell_of_step, optimizer)

    def _tell_of_step(self, optimizer: Any) -> None:
        known = self._leaf_ids
        found = [known.get(id(p)) for group in optimizer.param_groups for p in group["params"]]
        self._gradients.stepped([entry[1] for entry in found if entry is not None])

    def _guarded(self, work: Callable[..., object], *args: Any) -> None:
        """Our own work inside the program: a fault of ours becomes a notice."""
        try:
            with torch.no_grad(), untouched():
                work(*args)
        except Exception as error:
            if not is_ours(error):
                raise
            self._reporter.notice(f"gradtui could not look at gradients: {type(error).__name__}: {error}")

    # ------------------------------------------------------------------ pass

    def _run(self, outputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The program enters the engine: let it, and report."""
        reporter = self._reporter
        if not reporter.enabled or reporter.muted or being_compiled():
            return self._original(outputs, *args, **kwargs)
        self._map_forward()
        signals = Held()
        signals.take()
        try:
            with untouched():  # a tensor subclass of the program's shall not hear of us
                watching = self._begin(outputs, kwargs)
            if watching is None:
                signals.release()
                return self._original(outputs, *args, **kwargs)
            return self._watched(*watching, signals, outputs, args, kwargs)
        finally:
            signals.release()

    def _watched(
        self, began: PassBegan, hooks: TorchPass, signals: Held, outputs: Any, args: Any, kwargs: Any
    ) -> Any:
        error = None
        try:
            self._reporter.began(began)
            with hooks:
                signals.release()
                return self._original(outputs, *args, **kwargs)
        except BaseException as raised:
            error = f"{type(raised).__name__}: {raised}"
            raise
        finally:
            try:
                signals.take()
            finally:  # the last one may still have come before that
                self._guarded(self._gradients.ends, began.number, hooks.accumulated, hooks.used)
                self._reporter.ended(PassEnded(began.number, error))
                if not (len(args) > 1 and args[1]):  # the graph is not retained
                    self._forward.forget_values(hooks.sequence_numbers)
            signals.release()
            self._reporter.after_pass(began.number, hooks.steps)

    def _begin(self, outputs: Any, kwargs: dict[str, Any]) -> tuple[PassBegan, TorchPass] | None:
        """Describe the pass; None (and a notice) where it cannot be watched."""
        try:
            outputs = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
            roots = list({id(n): n for n in map(root_node, outputs) if n is not None}.values())
            if not roots:
                return None
            nodes = walk(roots)
            number = self._reporter.new_pass()
            ids = self._identify(nodes)
            hooks = TorchPass(self._reporter, number, nodes, ids, self._full)
            caller = _caller()
            described = self._describe(nodes, ids, hooks, outputs, caller)
            by_node = {id(node): i for node, i in zip(nodes, ids)}
            held = self._held(nodes, ids)
            hooks.leaves = _leaves(nodes, described, {node for node, _ in held})
            hooks.used = self._gradients.begins(hooks.leaves)
            hooks.on_zeroed = self._gradients.zeroed
            began = PassBegan(
                number,
                "torch",
                tuple([by_node[id(root)] for root in roots]),
                tuple(described),
                self._reporter.use_stack(caller),
                held,
                "backward" if kwargs.get("accumulate_grad", True) else "grad",
                tuple(hooks.used.items()),
            )
            return began, hooks
        except Exception as error:
            if not is_ours(error):
                raise
            self._reporter.notice(f"gradtui could not watch a pass: {type(error).__name__}: {error}")
            return None

    def _held(self, nodes: list[Any], ids: list[int]) -> tuple[tuple[int, Value], ...]:
        """Leaves that have a `.grad` as the pass begins, also one of zeros."""
        held = []
        for node, i in zip(nodes, ids):
            grad = node.variable.grad if hasattr(node, "variable") else None
            summary = summarize(grad, self._full or self._reporter.stopping)
            if summary is not None:
                held.append((i, summary))
        return tuple(held)

    def _describe(
        self, nodes: list[Any], ids: list[int], hooks: TorchPass, outputs: list[Any], caller: FrameType
    ) -> list[Node]:
        reporter = self._reporter
        rich = self._full or reporter.stopping
        named = self._names.find(nodes, user_frames(caller, reporter.places), reporter.places.stack(caller))
        results = {id(root_node(t)): t for t in outputs if isinstance(t, torch.Tensor)}
        described = []
        facts = zip(nodes, ids, hooks.inputs, hooks.outputs, named)
        for node, number, inputs, to_outputs, (name, is_path, tensor) in facts:
            variable = getattr(node, "variable", None)
            sequence = node._sequence_nr()
            value: Value | None = summarize(
                variable if variable is not None else results.get(id(node), tensor), rich
            )
            described.append(
                Node(
                    number,
                    node.name().rpartition("::")[2],
                    inputs,
                    variable is not None,
                    name,
                    is_path,
                    value if value is not None else self._forward.value_of(sequence),
                    None if variable is not None else reporter.places.use(self._forward.stack_of(sequence)),
                    self._names.module(
                        id(variable) if variable is not None else self._forward.module_of(sequence)
                    ),
                    outputs=to_outputs,
                )
            )
        return described

    # ------------------------------------------------------------------- ids

    def _identify(self, nodes: list[Any]) -> list[int]:
        """Our ids: a leaf keeps its own for the run; a retained graph keeps its nodes' from pass to pass."""
        ids = []
        inner: dict[tuple[int, str], int] = {}
        for node in nodes:
            variable = getattr(node, "variable", None)
            if variable is not None:
                ids.append(self._leaf_id(variable))
                continue
            key = (node._sequence_nr(), node.name())
            number = self._inner_ids.get(key) if key not in inner else None
            if number is None:
                number = self._reporter.new_node()
            inner.setdefault(key, number)
            ids.append(number)
        self._inner_ids = inner
        return ids

    def _leaf_id(self, variable: Any) -> int:
        known = self._leaf_ids.get(id(variable))
        if known is not None and known[0]() is variable:
            return known[1]
        number = self._reporter.new_node()
        self._leaf_ids[id(variable)] = (weakref.ref(variable), number)
        return number


def _leaves(nodes: list[Any], described: list[Node], held: set[int]) -> dict[int, TorchLeaf]:
    leaves = {}
    for node, facts in zip(nodes, described):
        variable = getattr(node, "variable", None)
        if variable is not None:
            summary = facts.value if isinstance(facts.value, Summary) else None
            leaves[facts.id] = TorchLeaf(variable, summary, facts.id in held)
    return leaves


def _caller() -> FrameType:
    """The frame of the program that asked for the pass, torch's own frames left out."""
    frame: FrameType | None = sys._getframe(2)
    home = torch.__path__[0]
    last = sys._getframe(2)
    while frame is not None and (of_probe(frame.f_code) or frame.f_code.co_filename.startswith(home)):
        last, frame = frame, frame.f_back
    return frame if frame is not None else last
