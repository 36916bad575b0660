"""Watches torch: every pass enters the engine through one door, and the forward is mapped on the way."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import torch

from gradtui.probe.explain.explainer import Explainer
from gradtui.probe.explain.growth import Growth
from gradtui.probe.explain.nonfinite import Nonfinite
from gradtui.probe.explain.parameters import Parameters
from gradtui.probe.gradients import Gradients
from gradtui.probe.places import WHOLE, of_probe
from gradtui.probe.pytorch.blame import unseen
from gradtui.probe.pytorch.deep_graphs import make_safe
from gradtui.probe.pytorch.describe import Describer
from gradtui.probe.pytorch.forward import ForwardMap
from gradtui.probe.pytorch.graph import Graph, walk
from gradtui.probe.pytorch.leaves import TorchLeaf, parameters_of
from gradtui.probe.pytorch.one_pass import Attention, Failed, TorchPass
from gradtui.probe.pytorch.private import (
    being_captured,
    being_compiled,
    engine_entry,
    hide_references,
    is_tensor,
    may_leave,
    on_optimizer_step,
    op_of,
    replace_engine_entry,
    root_node,
    running_pass,
    show_references,
    untouched,
)
from gradtui.probe.pytorch.summaries import summarize
from gradtui.probe.reporter import Reporter, message_of
from gradtui.probe.signals import Held
from gradtui.probe.weak import Remembered
from gradtui.wire.messages import PassBegan, PassEnded, Summary, Value

COMPILED = "CompiledFunctionBackward"


class TorchWatcher:
    """Context manager. `full`: read large tensors always, not only at a stop. `home`: the probe's own thread.

    The forward is mapped in that thread only, from its first pass at the latest: a function mode left
    behind in a thread that ends takes the interpreter with it (torch 2.13).
    """

    def __init__(self, reporter: Reporter, full: bool, home: int, leaf_ids: Remembered[int]) -> None:
        """`leaf_ids`: the ids given out by a watcher before this one, whose work this one takes up."""
        self._home = home
        self._reporter = reporter
        self._full = full
        self._forward = ForwardMap(reporter.places, partial(reporter.fault, doing="look at the forward"))
        reporter.on_abandon = self._forward.leave
        self._explainer = Explainer(reporter, self._forward)
        self._nonfinite = Nonfinite()
        self._parameters = Parameters(reporter, self._forward, self._was_reached)
        self._growth = Growth(reporter)
        self._describer = Describer(reporter, self._forward, leaf_ids)
        self._running: list[TorchPass] = []
        """Passes that have begun and not ended, of all threads."""
        self._told_of_compiled = False
        self._gradients = Gradients(reporter)
        self._optimizers: Any = None
        self._original: Any = None
        self._mapping = False

    def __enter__(self) -> TorchWatcher:
        self._original = replace_engine_entry(self._run)
        try:
            self._map_forward()
            self._optimizers = on_optimizer_step(self._optimizer_stepped)
            hide_references()
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
        self._guarded(self._parameters.ends)
        self._optimizers.remove()
        show_references()
        if self._mapping:
            self._forward.__exit__(None, None, None)
        if engine_entry() == self._run:  # else a recording that began later stands there, and lets us be
            replace_engine_entry(self._original)

    def _optimizer_stepped(self, optimizer: Any, *_: Any) -> None:
        if self._reporter.enabled and not being_compiled() and not being_captured():
            self._describer.values.forget()
            self._guarded(self._tell_of_step, optimizer)
            self._guarded(self._parameters.stepped, optimizer, _caller())

    def _tell_of_step(self, optimizer: Any) -> None:
        found = [self._describer.known(p) for p in parameters_of(optimizer)]
        self._gradients.stepped([leaf for leaf in found if leaf is not None])

    def _was_reached(self, leaf: Any) -> bool:
        return self._describer.known(leaf) is not None

    def _guarded(self, work: Callable[..., object], *args: Any) -> None:
        """Our own work inside the program: a fault of ours becomes a notice."""
        try:
            with torch.no_grad(), untouched():
                work(*args)
        except Exception as error:
            self._reporter.fault(error, "look at gradients")

    # ------------------------------------------------------------------ pass

    @unseen
    def _run(self, outputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The program enters the engine: let it, and report."""
        reporter = self._reporter
        if not reporter.enabled or reporter.muted or being_compiled() or being_captured():
            return self._original(outputs, *args, **kwargs)
        self._map_forward()
        signals = Held()
        try:
            signals.take()
            with untouched():  # a tensor subclass of the program's shall not hear of us
                watching = self._begin(outputs, args, kwargs)
            if watching is None:
                signals.release()
                return self._not_begun(outputs, args, kwargs)
            return self._watched(watching, signals, outputs, args, kwargs)
        finally:
            signals.release()

    @unseen
    def _watched(self, hooks: TorchPass, signals: Held, outputs: Any, args: Any, kwargs: Any) -> Any:
        error, frame = None, hooks.frame
        self._running.append(hooks)
        try:
            with hooks, self._forward.within_pass(len(hooks.nodes)):
                try:
                    signals.release()
                    return self._original(outputs, *args, **kwargs)
                except Exception as raised:
                    self._guarded(self._failed, raised, hooks, outputs, args)
                    raise
                finally:
                    signals.take()
        except BaseException as raised:
            error = message_of(raised)
            raise
        finally:
            try:
                signals.take()
            finally:  # the last one may still have come before that
                self._running.remove(hooks)
                self._account(hooks, error, *_keeps(args))
            signals.release()
            self._reporter.stops.after_pass(hooks.number, hooks.steps, frame)

    def _account(self, hooks: TorchPass, error: str | None, retained: bool, created: bool) -> None:
        """The engine has returned or raised; its graph was `retained`, and one of the pass `created`."""
        self._guarded(hooks.settle)
        self._guarded(self._gradients.ends, hooks.number, hooks.accumulated, hooks.used)
        if hooks.is_told:
            self._guarded(self._parameters.saw, hooks.nodes, hooks.described)
        self._guarded(hooks.finish)
        self._reporter.ended(PassEnded(hooks.number, error, failed=hooks.failed if error else None))
        numbers = hooks.graph.sequence_numbers
        self._parameters.last = (hooks.number, hooks.steps, numbers)
        if hooks.withheld:
            slots = [(hooks.nodes[i], slot) for i, slot in hooks.withheld]
            self._guarded(self._parameters.withheld, slots, hooks.name_of)
        self._guarded(self._parameters.passed)
        self._forward.deeds.cuts.forget_left(len(hooks.nodes))
        if retained and not created and error is None:
            self._guarded(self._growth.kept, hooks.number, hooks.stack, len(hooks.nodes))
        if not retained:
            self._forward.forget_values(numbers)
            self._explainer.freed.add(hooks.number, hooks.stack, numbers)

    # ---------------------------------------------------------------- failures

    def _not_begun(self, outputs: Any, args: Any, kwargs: Any) -> Any:
        """No output has a graph: torch refuses, and it is told why."""
        try:
            return self._original(outputs, *args, **kwargs)
        except Exception as raised:
            self._guarded(self._explain_refusal, raised, outputs, _caller())
            raise

    def _explain_refusal(self, raised: Exception, outputs: Any, frame: FrameType) -> None:
        number, steps, _ = self._parameters.last
        if self._explainer.not_begun(raised, outputs, frame, (number, steps)):
            stops = self._reporter.stops
            if stops.attended:
                stops.stand("exception", None, steps, number=number, frame=frame)

    def _failed(self, raised: Exception, hooks: TorchPass, outputs: Any, args: Any) -> None:
        hooks.announce()
        inputs = args[3] if len(args) > 3 else ()
        i = self._explainer.failed(raised, hooks, outputs, inputs)
        if i is not None and i >= 0 and i not in hooks.ran:
            hooks.failed = hooks.ids[i]
        stops = self._reporter.stops
        if i is None or not stops.attended:
            return
        if i < 0:
            stops.stand("exception", None, hooks.steps, number=hooks.number, frame=hooks.frame)
        else:
            stops.stand("exception", Failed(hooks, i), hooks.steps, hooks.ids[i])

    def _look_at_roots(self, hooks: TorchPass) -> None:
        """Where the root's value is not finite, tell the first value of the forward that is not."""
        told = self._nonfinite.of_root(hooks, hooks.graph.roots, self._forward.deeds.writes)
        if told is not None:
            self._reporter.explain(told)

    # ------------------------------------------------------------------- begin

    def _begin(self, outputs: Any, args: Any, kwargs: dict[str, Any]) -> TorchPass | None:
        """Describe the pass; None (and a notice) where it cannot be watched."""
        try:
            outputs = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
            roots = list({id(n): n for n in map(root_node, outputs) if n is not None}.values())
            if not roots:
                return None
            nodes = list(walk(roots))
            ops = [op_of(node) for node in nodes]
            ids = self._describer.identify(nodes, ops)
            for outer in list(self._running):
                outer.settle()  # what has run before this pass is told before it
            around = [outer for outer in self._running if outer.home == threading.get_ident()]
            if around and running_pass() != -1:
                around[-1].learn(running_pass())
            number = self._reporter.new_pass()
            self._explainer.forget_last()
            stops = self._reporter.stops
            stops.begin_pass()
            rich = self._full or stops.rich
            graph = Graph(nodes, ops, ids, roots)
            make_safe(graph)
            hooks = TorchPass(self._reporter, number, graph, self._full)
            caller = hooks.frame = _caller()
            hooks.stack, hooks.nonfinite = self._reporter.places.stack(caller, WHOLE), self._nonfinite
            kind = "backward" if kwargs.get("accumulate_grad", True) else "grad"
            hooks.describe = partial(self._describer.describe, graph, outputs, caller, rich)
            announce = partial(self._announce, hooks, kind)
            if stops.light:
                alone = partial(self._announce_roots, hooks, kind, outputs)
                hooks.put_off(announce, alone)
            else:
                announce()
            hooks.attention = self._attention(hooks, outputs, args, kwargs)
            return hooks
        except Exception as error:
            self._reporter.fault(error)
            return None

    def _announce(self, hooks: TorchPass, kind: str) -> None:
        """Tell of the pass, and look at what it starts from."""
        held = self._held(hooks)
        hooks.held = {node for node, _ in held}
        hooks.leaves = self._leaves(hooks)
        hooks.used = self._gradients.begins(hooks.leaves)
        hooks.on_zeroed, hooks.on_changed = self._gradients.zeroed, self._gradients.moved
        stack, used = self._reporter.places.use(hooks.stack), tuple(hooks.used.items())
        nodes, first = tuple(hooks.described), tuple([hooks.ids[i] for i in hooks.graph.roots])
        self._reporter.began(PassBegan(hooks.number, "torch", first, nodes, stack, held, kind, used))
        self._guarded(self._look_at_roots, hooks)
        if not self._told_of_compiled and any(node.op == COMPILED for node in nodes):
            self._told_of_compiled = True
            self._reporter.notice(
                f"{COMPILED} stands for all that torch.compile made of a region: it is one node, without "
                "lines or steps inside. Run without torch.compile to see into it",
                hooks.number,
            )

    def _announce_roots(self, hooks: TorchPass, kind: str, outputs: list[Any]) -> None:
        """Tell of a pass that is over and was not recorded."""
        first = tuple([hooks.ids[i] for i in hooks.graph.roots])
        nodes = tuple(
            [self._describer.root(hooks.nodes[i], hooks.ids[i], outputs) for i in hooks.graph.roots]
        )
        stack = self._reporter.places.use(hooks.stack)
        self._reporter.began(PassBegan(hooks.number, "torch", first, nodes, stack, kind=kind, light=True))

    def _attention(
        self, hooks: TorchPass, outputs: list[Any], args: Any, kwargs: dict[str, Any]
    ) -> Attention:
        """How closely the pass has to be looked at."""
        stops, places = self._reporter.stops, self._reporter.places
        inputs = args[3] if len(args) > 3 else kwargs.get("inputs", ())
        tensors = [*outputs, *(leaf for leaf in hooks.graph.leaves if leaf is not None)]
        here = all(is_tensor(t) and t.is_cpu for t in tensors) and not may_leave(hooks.graph.ops)
        hooks.in_order = not inputs and here
        if self._full or not hooks.in_order:
            return "whole"
        if stops.light and not stops.may_hold(
            hooks.number, hooks.graph.ops, lambda: hooks.described, places.lines
        ):
            return "order"
        return "whole" if stops.looks_before else "after"

    def _leaves(self, hooks: TorchPass) -> dict[int, TorchLeaf]:
        leaves, entries = {}, self._describer.values.entries
        for variable, facts in zip(hooks.graph.leaves, hooks.described):
            if variable is not None:
                summary = facts.value if isinstance(facts.value, Summary) else None
                held = facts.id in hooks.held
                leaves[facts.id] = TorchLeaf(variable, summary, held, entries(variable))
        return leaves

    def _held(self, hooks: TorchPass) -> tuple[tuple[int, Value], ...]:
        """Leaves that had a `.grad` as the pass began, also one of zeros."""
        held = []
        for leaf, i in zip(hooks.graph.leaves, hooks.ids):
            if i in hooks.before_steps:
                before = hooks.before_steps[i]
                if before is not None:
                    held.append((i, before))
                continue
            summary = summarize(None if leaf is None else leaf.grad, self._full or self._reporter.stops.rich)
            if summary is not None:
                held.append((i, summary))
        return tuple(held)


def _keeps(args: Any) -> tuple[bool, bool]:
    """Of how the engine is called: `retain_graph` and `create_graph`."""
    return len(args) > 1 and bool(args[1]), len(args) > 2 and bool(args[2])


def _caller() -> FrameType:
    """The frame of the program that asked for the pass, torch's own frames left out."""
    frame: FrameType | None = sys._getframe(2)
    home = torch.__path__[0]
    last = sys._getframe(2)
    while frame is not None and (of_probe(frame.f_code) or frame.f_code.co_filename.startswith(home)):
        last, frame = frame, frame.f_back
    return frame if frame is not None else last
