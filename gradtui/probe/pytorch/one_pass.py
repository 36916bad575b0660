"""One pass of torch's engine, seen through hooks on every node; each hook is given back, also on errors.

Invariants. A node's prehook and post hook run in this order and in one thread; the wrappers of the
nodes are kept alive for the pass, or torch would make new ones and identity would be lost. A fault
of ours inside a hook must never reach the engine: it is reported as a notice, once. What a signal
handler of the program's raises there must.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from threading import RLock, get_ident
from types import FrameType
from typing import Any, Literal

import torch

from gradtui.probe.breakpoints import Span
from gradtui.probe.explain.nonfinite import NOBODY, Nonfinite, bad
from gradtui.probe.pytorch.graph import Graph
from gradtui.probe.pytorch.later import Later, is_promise
from gradtui.probe.pytorch.leaves import TorchLeaf
from gradtui.probe.pytorch.private import running_pass, untouched
from gradtui.probe.pytorch.reading import Reader
from gradtui.probe.pytorch.saved import read_saved
from gradtui.probe.pytorch.spot import TorchSpot
from gradtui.probe.pytorch.telling import Telling
from gradtui.probe.reporter import Reporter
from gradtui.wire.messages import Accumulated, Hit, Node, Saved, Summary, Value
from gradtui.wire.values import magnitude

Attention = Literal["whole", "after", "order"]
"""Nodes are looked at before and after they run; where they cannot stop, after they have; or nothing is
wanted of them but the order in which they ran, should the pass fail."""

FEW = 200
"""Nodes up to which all that is cheap is read while the program runs: what torch saved, and more than the
norm of middling tensors. In a larger graph that is read at a stop."""

LISTENING = 8
"""At every so many-th node of a large graph that runs through, what the debugger says is listened to."""


class TorchPass:
    """Context manager: hooks on every node of the pass, reporting steps in the engine's own order."""

    def __init__(self, reporter: Reporter, number: int, graph: Graph, full: bool) -> None:
        self.reporter = reporter
        self.number = number
        self.graph = graph
        self.nodes, self.ids = graph.nodes, graph.ids
        self._full = full
        self._later = Later()
        self._telling = Telling(reporter, number, graph, self._later)
        self._received: dict[int, tuple[Value | None, ...]] = {}
        self._before: dict[int, Summary | None] = {}
        self._saved: dict[int, tuple[Saved, ...]] = {}
        self._handles: list[Any] = []
        self._turn = RLock()
        """Held by the hook that looks at a node: the threads of several devices come here."""
        self._over = False
        self._task: int | None = None
        """The engine's number for this pass, from its first node on."""
        self.home = get_ident()
        """The thread that called backward."""
        self._brief = len(graph.nodes) > FEW
        self._read = Reader(self._brief, self._later)
        self.attention: Attention = "whole"
        self.in_order = True
        """Do all its nodes run, in this thread and in torch's own order?"""
        self.ran: dict[int, None] = {}
        """Nodes that have run, by index, in order."""
        self.describe: Callable[[], list[Node]] = list
        self.before_steps: dict[int, Summary | None] = {}
        """What the leaves held whose steps these are."""
        self.withheld: list[tuple[int, int]] = []
        """Custom functions that received a gradient and returned None for an operand: by index, which one."""
        self.failed: int | None = None
        """The id of the node that an exception has ended."""
        self.stack = 0
        """From which backward was called."""
        self.frame: FrameType | None = None
        """Of the program's, which called backward."""
        self.leaves: dict[int, TorchLeaf] = {}
        """How to look at each leaf, by id."""
        self.accumulated: dict[int, TorchLeaf] = {}
        """Those that the pass has accumulated into."""
        self.held: set[int] = set()
        """Leaves that had a gradient as the pass began."""
        self.used: dict[int, int] = {}
        """Leaves that entered with a used gradient, and the pass that it came from."""
        self.on_zeroed: Callable[[list[int], dict[int, int]], None] = lambda *_: None
        self.later: dict[int, Any] = {}
        """Values that the person gives leaves as the pass ends."""
        self._sent_bad: set[int] = set()
        """Nodes that were sent a contribution that is not finite."""
        self.nonfinite: Nonfinite | None = None
        """Who looks into contributions that are not finite."""
        self.on_changed: Callable[[int, TorchLeaf, dict[int, int]], None] = lambda *_: None

    # -------------------------------------------------------------- lifetime

    def __enter__(self) -> TorchPass:
        try:
            self._install()
        except BaseException as error:
            self.__exit__()
            if not isinstance(error, Exception):
                raise
            self.reporter.fault(error, "look at a node")
        return self

    def _install(self) -> None:
        passing = self.attention == "after" and self._brief
        for i, (node, leaf) in enumerate(zip(self.nodes, self.graph.leaves)):
            if self.attention == "order":
                self._handles.append(node.register_hook(self._marking(i)))
                continue
            custom = _is_custom(node)
            if self.attention == "whole" or leaf is not None or custom:
                self._handles.append(node.register_prehook(self._guarded(self._before_node, i)))
            hook = self._passing(i) if passing and not custom else self._guarded(self._after_node, i)
            self._handles.append(node.register_hook(hook))

    def _look_before(self) -> None:
        """The program may have to stop before a node now."""
        self.attention = "whole"
        for i, (node, leaf) in enumerate(zip(self.nodes, self.graph.leaves)):
            if i not in self.ran and leaf is None and not _is_custom(node):
                self._handles.append(node.register_prehook(self._guarded(self._before_node, i)))

    def _marking(self, i: int) -> Callable[..., None]:
        def marked(*_: Any) -> None:
            if self._is_mine(i):
                self.ran[i] = None

        return marked

    def __exit__(self, *exc: object) -> None:
        self._over = True
        while self._handles:
            self._handles[-1].remove()
            self._handles.pop()
        self.frame = None
        self._change_leaves()

    def _change_leaves(self) -> None:
        """The saved tensors of this pass are used up: its leaves may have other values."""
        later, self.later = self.later, {}
        for node, number in zip(self.nodes, self.ids) if later else ():
            if number in later:
                try:
                    with untouched(), torch.no_grad():
                        node.variable.copy_(later[number])
                        self.leaves[number].moved(self._read(node.variable, True), number in self.held)
                    self.on_changed(number, self.leaves[number], self.used)
                except Exception as error:
                    self.reporter.notice(f"the leaf could not be changed: {error}", self.number)

    def _guarded(self, hook: Callable[..., Any], i: int) -> Callable[..., Any]:
        def guarded(*args: Any) -> Any:
            try:
                if self._is_mine(i):
                    with self._turn, untouched():
                        return hook(i, *args)
            except Exception as error:
                self.reporter.fault(error, "look at a node")
            return None

        return guarded

    def learn(self, task: int) -> None:
        """Another pass begins in one of its hooks, which the engine runs under this number."""
        if self._task is None:
            self._task = task

    def _is_mine(self, i: int) -> bool:
        """Does this pass run the node? A leaf's is shared with passes of other threads or inside this.

        Of a pass a root runs first; where a pass inside this one begins before that has ended, see `learn`.
        """
        task = running_pass()
        if self._task is None and i in self.graph.roots:
            self._task = task
        return task == self._task and not self._over

    @property
    def steps(self) -> int:
        """That have ended."""
        return len(self.ran) if self.attention == "order" else self._telling.steps

    @property
    def running(self) -> int | None:
        """The index of the node that has begun to run and not ended, the innermost one.

        Where nobody looked at its beginning: of those that are ready, the one that torch takes first.
        """
        if self.attention == "whole":
            return next(reversed(self._received), None)
        return self.graph.next(self.ran)

    @property
    def last(self) -> int | None:
        """The index of the node that has ended last."""
        return next(reversed(self.ran), None)

    def received_by(self, i: int) -> tuple[Value | None, ...]:
        """What a node received that has not ended."""
        self._later.settle()
        return tuple(map(self._later.value, self._received.get(i, ())))

    def zero(self) -> list[int]:
        """Zero the leaves' gradients as `optimizer.zero_grad()` does: None in place of each."""
        zeroed = []
        for leaf, i in zip(self.graph.leaves, self.ids):
            if leaf is not None and leaf.grad is not None:
                leaf.grad = None
                zeroed.append(i)
        self.on_zeroed(zeroed, self.used)
        return zeroed

    def read(self, tensors: tuple[Any, ...], rich: bool) -> tuple[Summary | None, ...]:
        """A summary for each."""
        read = self._read
        return tuple([read(tensor, rich) for tensor in tensors])

    # ------------------------------------------------------------- announcing

    @cached_property
    def described(self) -> list[Node]:
        """The nodes as they are announced, in the order of `nodes`."""
        return self.describe()

    def name_of(self, node: Any) -> str | None:
        """What a node is called."""
        return next((facts.name for other, facts in zip(self.nodes, self.described) if other is node), None)

    def put_off(self, announce: Callable[[], object], alone: Callable[[], object]) -> None:
        """Tell of nothing until `announce`; of a pass in which that never comes, `alone` tells."""
        self._telling.put_off(announce, alone)

    def announce(self) -> None:
        """Somebody has to know of the pass now."""
        if not self._telling.waits:
            self._telling.settle()
            return
        self._telling.announce()
        steps = (node for node in self.before_steps if node in self.leaves)
        self.accumulated.update((node, self.leaves[node]) for node in steps)
        if self.attention == "order":
            self._telling.take_order(self.ran)

    @property
    def is_told(self) -> bool:
        """Does anybody know of the pass?"""
        return not self._telling.waits

    def settle(self) -> None:
        """Tell of all steps so far, where the pass has been told of."""
        self._telling.settle()

    def finish(self) -> None:
        """The pass is over."""
        self._telling.finish()
        if self._later.met_bad and self.nonfinite is not None:
            self.nonfinite.met = True
        self.describe = list

    # ----------------------------------------------------------------- hooks

    def _before_node(self, i: int, received: tuple[Any, ...]) -> tuple[Any, ...] | None:
        stops = self.reporter.stops
        rich = self._full or stops.rich
        self._read.listen(stops.quiet, stops.waits)
        node, leaf = self.nodes[i], self.graph.leaves[i]
        if leaf is not None and leaf._backward_hooks:
            self._read.forget(received[0])
        got: tuple[Value | None, ...] = self.read(received, rich)
        replaced = None
        if stops.interested() and (stops.looks_before or self._read.loud):
            spot = TorchSpot(self, i, received)
            stops.before(spot, got)
            if spot.gradients is not received:
                received = replaced = spot.gradients
            rich = self._full or stops.rich
            got = self.read(received, rich)
        self._received[i] = got
        if leaf is not None:
            self._before[i] = self._read(leaf.grad, rich)
        elif rich or not self._brief:
            self._saved[i] = read_saved(node, rich)
        return replaced

    def _passing(self, i: int) -> Callable[..., Any]:
        """The hook behind a node of a large graph: as short as it can be where nobody will ask."""
        stops, read = self.reporter.stops, self._read
        targets, leaf = self.graph.inputs[i], self.graph.leaves[i]
        listens = not i % LISTENING

        def passed(sent: tuple[Any, ...], received: tuple[Any, ...]) -> None:
            try:
                if self._over or (running_pass() != self._task and not self._is_mine(i)):
                    return
                with untouched():
                    if listens and stops.interested() and stops.looks_before and self.attention == "after":
                        self._look_before()
                    if self.attention == "whole" or stops.rich:
                        self._after_node(i, sent, received)
                        return
                    read.listen(stops.quiet, stops.waits)
                    got, told = read.step(received, sent, targets)
                    if read.loud:
                        self._after_node(i, sent, received)
                        return
                    self.ran[i] = None
                    accumulated = None
                    if leaf is not None:
                        accumulated = self._accumulated(i, received, got, False)
                        self._received.pop(i, None)
                    self._telling.take((i, got, told, accumulated, (), (), None))
            except Exception as error:
                self.reporter.fault(error, "look at a node")

        return passed

    def _after_node(self, i: int, sent: tuple[Any, ...], received: tuple[Any, ...]) -> None:
        stops = self.reporter.stops
        rich = self._full or stops.rich
        self._read.listen(stops.quiet, stops.waits)
        self.ran[i] = None
        got = self._received.pop(i, None)
        if got is None:
            got = self.read(received, rich)
            if not self._brief:
                self._saved[i] = read_saved(self.nodes[i], rich)
            if self.attention == "after" and stops.interested() and stops.looks_before:
                self._look_before()
        hits: list[Hit] = []
        told: tuple[Value | None, ...] = ()
        accumulated = None
        why, function = NOBODY
        if self.graph.leaves[i] is not None:
            accumulated = self._accumulated(i, received, got, rich)
        else:
            told = self._contributions(i, received, sent, rich)
            if None in told and _is_custom(self.nodes[i]):
                self._withhold(i, received, told)
            if self._read.loud or not _all_within(stops.quiet, got):
                items = [
                    (to, v) for to, v in zip(self.graph.inputs[i], told) if to is not None and v is not None
                ]
                hits = stops.after(TorchSpot(self, i, received, sent), got, items, self.attention == "whole")
                if hits and not rich:
                    told = self._contributions(i, received, sent, True)
                if any(map(bad, told)) and not any(map(bad, got)) and self.nonfinite is not None:
                    why, function = self.nonfinite.of_contribution(self.nodes[i], sent, told, self.reporter)
                self._sent_bad.update(to for to, value in items if bad(value))
        if any(map(bad, got)) and self.nonfinite is not None:
            self.nonfinite.met = True
            if self.ids[i] not in self._sent_bad and i not in self.graph.roots:
                why, function = self.nonfinite.of_hook(self.nodes, i, self.reporter)
        self._telling.take((i, got, told, accumulated, self._saved.pop(i, ()), why, function))
        if hits:
            stops.stand("breakpoint", TorchSpot(self, i, received, sent), self.steps, None, hits)

    def _contributions(
        self, i: int, received: tuple[Any, ...], sent: tuple[Any, ...], rich: bool
    ) -> tuple[Value | None, ...]:
        like = self._read.like
        return tuple(
            [
                None if target is None else like(gradient, received, rich)
                for target, gradient in zip(self.graph.inputs[i], sent)
            ]
        )

    def _withhold(self, i: int, received: tuple[Any, ...], told: tuple[Value | None, ...]) -> None:
        if any(gradient is not None for gradient in received):
            for slot, (target, value) in enumerate(zip(self.graph.inputs[i], told)):
                if value is None and target is not None:
                    self.withheld.append((i, slot))

    def _accumulated(
        self, i: int, received: tuple[Any, ...], got: tuple[Value | None, ...], rich: bool
    ) -> Accumulated:
        number = self.ids[i]
        if number in self.leaves:
            self.accumulated[number] = self.leaves[number]
        before = self._before.pop(i, None)
        if self._telling.waits:
            self.before_steps[number] = before
        leaf = self.graph.leaves[i]
        grad, others = leaf.grad, received if before is None else ()
        if leaf._post_accumulate_grad_hooks:
            self._read.forget(grad)
            others = ()
        after = self._read.like(grad, others, rich)
        return Accumulated(number, before, got[0] if got else None, after)


def _all_within(norms: Span, received: tuple[Value | None, ...]) -> bool:
    """Are the norms of all of them there? Of what is not finite none is; a promise counts as one that is."""
    low, high = norms
    known = [magnitude(value) for value in received if value is not None and not is_promise(value)]
    return all(norm is not None and low <= norm <= high for norm in known)


def _is_custom(node: Any) -> bool:
    """A custom function's: its backward may raise, and what it received has to be known then."""
    return isinstance(node, torch.autograd.function.BackwardCFunction)


class Failed(TorchSpot):
    """Where an exception left a pass: the node that ran; what it received is gone but for its summary."""

    def __init__(self, pass_: TorchPass, i: int) -> None:
        super().__init__(pass_, i, (), ())

    def received(self) -> tuple[Value | None, ...]:
        """As it was read before the node ran."""
        return self._pass.received_by(self._i)
