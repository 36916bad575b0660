"""One pass of torch's engine, seen through hooks on every node; each hook is given back, also on errors.

Invariants. A node's prehook and post hook run in this order and in one thread; the wrappers of the
nodes are kept alive for the pass, or torch would make new ones and identity would be lost. A fault
of ours inside a hook must never reach the engine: it is reported as a notice, once. What a signal
handler of the program's raises there must.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch

from gradtui.probe.faults import is_ours
from gradtui.probe.reporter import Reporter
from gradtui.probe.summaries import summarize
from gradtui.probe.torch_gradients import TorchLeaf
from gradtui.probe.torch_private import packed, saved_names, saved_value, untouched
from gradtui.wire.messages import Accumulated, Saved, Sent, Stepped, Summary, Value

_saved_names: dict[type, list[str]] = {}


def walk(roots: list[Any]) -> list[Any]:
    """Every node below the roots, roots first. No recursion: graphs are deep."""
    order, stack, seen = [], list(reversed(roots)), {id(root) for root in roots}
    while stack:
        node = stack.pop()
        order.append(node)
        for function, _ in reversed(node.next_functions):
            if function is not None and id(function) not in seen:
                seen.add(id(function))
                stack.append(function)
    return order


class TorchPass:
    """Context manager: hooks on every node of the pass, reporting steps in the engine's own order."""

    def __init__(self, reporter: Reporter, number: int, nodes: list[Any], ids: list[int], full: bool) -> None:
        self._reporter = reporter
        self._number = number
        self._nodes = nodes
        self._ids = ids
        self._full = full
        by_node = {id(node): i for node, i in zip(nodes, ids)}
        self.inputs: list[tuple[int | None, ...]] = [
            tuple([None if f is None else by_node[id(f)] for f, _ in node.next_functions]) for node in nodes
        ]
        self.outputs: list[tuple[int, ...]] = [
            tuple([output for _, output in node.next_functions])
            if any(output for _, output in node.next_functions)
            else ()
            for node in nodes
        ]
        self.steps = 0
        self._received: dict[int, tuple[Value | None, ...]] = {}
        self._before: dict[int, Summary | None] = {}
        self._saved: dict[int, tuple[Saved, ...]] = {}
        self._handles: list[Any] = []
        self._faulty = False
        self.leaves: dict[int, TorchLeaf] = {}
        """How to look at each leaf, by id."""
        self.accumulated: dict[int, TorchLeaf] = {}
        """Those that the pass has accumulated into."""
        self.used: dict[int, int] = {}
        """Leaves that entered with a used gradient, and the pass that it came from."""
        self.on_zeroed: Callable[[list[int], dict[int, int]], None] = lambda *_: None

    # -------------------------------------------------------------- lifetime

    def __enter__(self) -> TorchPass:
        try:
            self._install()
        except BaseException as error:
            self.__exit__()
            self._contain(error)
        return self

    def _install(self) -> None:
        for i, node in enumerate(self._nodes):
            self._handles.append(node.register_prehook(self._guarded(partial(self._before_node, i))))
            self._handles.append(node.register_hook(self._guarded(partial(self._after_node, i))))

    def __exit__(self, *exc: object) -> None:
        for handle in reversed(self._handles):
            handle.remove()
        self._handles.clear()

    def _guarded(self, hook: Callable[..., None]) -> Callable[..., None]:
        def guarded(*args: Any) -> None:
            try:
                with untouched():
                    hook(*args)
            except Exception as error:
                self._contain(error)

        return guarded

    def _contain(self, error: BaseException) -> None:
        """A fault of ours ends here; what is the program's goes on."""
        if not isinstance(error, Exception) or not is_ours(error):
            raise error
        if not self._faulty:
            self._faulty = True
            self._reporter.notice(
                f"gradtui could not look at a node: {type(error).__name__}: {error}", self._number
            )

    @property
    def sequence_numbers(self) -> list[int]:
        """The numbers of the pass's nodes, as the forward gave them out."""
        return [node._sequence_nr() for node in self._nodes]

    def _zero(self) -> list[int]:
        """Zero the leaves' gradients as `optimizer.zero_grad()` does: None in place of each."""
        zeroed = []
        for node, i in zip(self._nodes, self._ids):
            variable = getattr(node, "variable", None)
            if variable is not None and variable.grad is not None:
                variable.grad = None
                zeroed.append(i)
        self.on_zeroed(zeroed, self.used)
        return zeroed

    # ----------------------------------------------------------------- hooks

    def _before_node(self, i: int, received: tuple[Any, ...]) -> None:
        rich = self._full or self._reporter.stopping
        got = self._received[i] = tuple([summarize(g, rich) for g in received])
        self._reporter.before_node(self._number, self.steps, self._ids[i], got, self._zero)
        node = self._nodes[i]
        if hasattr(node, "variable"):
            self._before[i] = summarize(node.variable.grad, rich)
        else:
            self._saved[i] = read_saved(node, self._full or self._reporter.stopping)

    def _after_node(self, i: int, sent: tuple[Any, ...], received: tuple[Any, ...]) -> None:
        rich = self._full or self._reporter.stopping
        node = self._nodes[i]
        got = self._received.pop(i, None)
        if got is None:
            got = tuple([summarize(g, rich) for g in received])
        accumulated = None
        contributions: list[Sent | None] = []
        if hasattr(node, "variable"):
            after = summarize(node.variable.grad, rich)
            if self._ids[i] in self.leaves:
                self.accumulated[self._ids[i]] = self.leaves[self._ids[i]]
            accumulated = Accumulated(self._ids[i], self._before.pop(i, None), got[0] if got else None, after)
        else:
            for target, gradient in zip(self.inputs[i], sent):
                value = None if target is None else summarize(gradient, rich)
                contributions.append(None if value is None or target is None else Sent(target, value))
        self.steps += 1
        self._reporter.stepped(
            Stepped(
                self._number,
                self.steps,
                self._ids[i],
                got,
                tuple(contributions),
                accumulated,
                saved=self._saved.pop(i, ()),
            )
        )


def read_saved(node: Any, rich: bool) -> tuple[Saved, ...]:
    """What torch saved for a node's backward. Large tensors are read only when `rich`."""
    kind = type(node)
    known = _saved_names.get(kind)
    if known is None:
        known = _saved_names[kind] = saved_names(node)
    found: list[Saved] = []
    with untouched():
        for name in known:
            found.extend(_read_one(node, name, rich))
    return tuple(found)


def _read_one(node: Any, name: str, rich: bool) -> Iterator[Saved]:
    try:
        if packed(node, name):
            yield Saved(name, None, "packed by saved-tensor hooks; reading it would run them")
            return
        value = saved_value(node, name)
    except RuntimeError as error:
        yield Saved(name, None, str(error).splitlines()[0])
        return
    if isinstance(value, (tuple, list)) and any(isinstance(part, torch.Tensor) for part in value):
        for i, part in enumerate(value):
            yield _described(f"{name}[{i}]", part, rich)
    elif value is not None and not (isinstance(value, tuple) and not value):
        yield _described(name, value, rich)


def _described(name: str, value: Any, rich: bool) -> Saved:
    if isinstance(value, torch.Tensor):
        if rich or value.numel() <= 64:
            return Saved(name, summarize(value, rich))
        return Saved(name, None, f"{tuple(value.shape)}, not read while running")
    return Saved(name, None, repr(value)[:80])
