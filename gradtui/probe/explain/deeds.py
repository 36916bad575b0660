"""What the forward does that may explain an error later: changes in place, cuts, freezing.

Asked after every torch function. A function's kind is told once, by its name; a function of an
ordinary kind that made a node costs one look into a dictionary.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from types import CodeType, FrameType
from typing import Any

import torch

from gradtui.probe.explain.cuts import Cut, Cuts, tensors_of
from gradtui.probe.explain.recomputed import Recomputed
from gradtui.probe.explain.writes import Writes, written
from gradtui.probe.frames import variable
from gradtui.probe.places import Places
from gradtui.probe.pytorch.private import is_leaf, is_tensor, next_sequence_number, untouched
from gradtui.probe.weak import Reference
from gradtui.wire.messages import Part

INFERENCE = "torch.inference_mode()"
_CHECKPOINTS = os.path.join(torch.__path__[0], "utils", "checkpoint.py")
NO_GRAD = "torch.no_grad()"
CHECKPOINT = "a checkpoint with use_reentrant=True, none of whose inputs requires a gradient,"
MANY = 1_000
"""Tensors that are remembered as cut off by one cut."""
CROWD = 4_096
"""Functions whose kind is remembered, and frozen leaves; beyond it all are forgotten."""


class Kind(Enum):
    """What a torch function may do."""

    OPERATION = 0
    WRITES = 1
    """Always in place: `add_`, `__setitem__`."""
    LEAVES = 2
    """Hands values out of torch."""
    GRAD_MODE = 3
    FREEZES = 4
    LOOKS = 5
    """At a property, or at shape and type alone: no values come of it."""
    CLEARS = 6
    """Sets a `.grad`, while somebody wants to know."""
    PICKS = 7
    """Gives indices, maybe beside values that have a graph: `topk`."""
    NOTHING = 8
    """Looks at what a tensor is, makes nothing and warns of nothing."""


_IN_PLACE = {f"__i{word}__" for word in (
    "add", "sub", "mul", "div", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift",
)} | {"__setitem__"}  # fmt: skip
_LIKE = {
    *(f"{word}_like" for word in ("zeros", "ones", "full", "empty", "rand", "randn", "randint")),
    *(f"new_{word}" for word in ("zeros", "ones", "full", "empty")),
}
_PICKS = {
    "topk", "sort", "argsort", "max", "min", "median", "nanmedian", "mode", "kthvalue", "cummax", "cummin",
    *(f"{kind}max_pool{n}d_with_indices" for kind in ("", "adaptive_", "fractional_") for n in (1, 2, 3)),
}  # fmt: skip
_TELLS = {
    *("device", "dtype", "is_cpu", "is_cuda", "is_leaf", "is_mps", "is_nested", "is_quantized", "is_sparse"),
    *("is_xpu", "itemsize", "layout", "ndim", "requires_grad", "shape"),
}
"""Properties of a tensor, read again and again by torch's own modules."""
_VIEWS = {"data", "T", "mT", "H", "mH", "real", "imag"}
"""Properties that are tensors on the same memory."""
_SET_GRAD: Any = vars(torch._C.TensorBase)["grad"].__set__
_LEAVING = {
    "item": ".item()",
    "tolist": ".tolist()",
    "numpy": ".numpy()",
    "__array__": "numpy",
    "__float__": "float(...)",
}


def kind_of(func: Any) -> Kind:
    """By the function's name."""
    name = getattr(func, "__name__", "")
    if name in ("__get__", "__set__"):
        attribute = _attribute(func)
        if name == "__get__":
            if attribute in _TELLS:
                return Kind.NOTHING
            return Kind.OPERATION if attribute in _VIEWS else Kind.LOOKS
        return {"data": Kind.WRITES, "requires_grad": Kind.FREEZES}.get(attribute, Kind.LOOKS)
    if name in ("dim", "numel", "size", "stride"):
        return Kind.NOTHING
    if name in _LIKE:
        return Kind.LOOKS
    if name == "_set_grad_enabled":
        return Kind.GRAD_MODE
    if name == "requires_grad_":
        return Kind.FREEZES
    if name in _LEAVING:
        return Kind.LEAVES
    if name in _PICKS:
        return Kind.PICKS
    in_place = name in _IN_PLACE or (name.endswith("_") and not name.endswith("__"))
    return Kind.WRITES if in_place else Kind.OPERATION


class Deeds:
    """What has been done in the forward, as far as it is remembered."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._kinds: dict[Any, Kind] = {}
        self.recomputed = Recomputed(places)
        self.writes = Writes(self.recomputed)
        self.cuts = Cuts()
        self._off: int | None = None
        """The stack that turned gradients off, while they are."""
        self._off_by = NO_GRAD
        self._frozen: dict[int, tuple[weakref.ref[Any], int]] = {}
        self._clears: Callable[[Any, int], None] | None = None

    def watch_clears(self, clears: Callable[[Any, int], None] | None) -> None:
        """Tell `clears` of each leaf whose gradient is set to None, and the stack that does it."""
        self._clears = clears
        self._kinds.pop(_SET_GRAD, None)

    def frozen_at(self, leaf: Any) -> int | None:
        """The stack that turned off the gradient of a leaf."""
        known = self._frozen.get(id(leaf))
        return known[1] if known is not None and known[0]() is leaf else None

    def frozen(self, leaf: Any) -> list[Part]:
        """` at ` the line that turned off the gradient of a leaf, and where its function was called."""
        stack = self.frozen_at(leaf)
        if stack is None:
            return []
        caller = self._places.caller(stack)
        parts: list[Part] = [" at ", stack]
        return parts if caller is None else [*parts, ", called at ", caller]

    def place(self, cut: Cut) -> tuple[int, list[Part]]:
        """The stack of the statement that cut, and a message of the lines it is about."""
        region = cut.region
        if region is None and cut.how == INFERENCE:
            region = self._places.with_before(cut.stack, "inference_mode")
        if region is None or region == cut.stack:
            return cut.stack, [cut.stack]
        if self._places.shown(region) == self._places.shown(cut.stack):
            return region, [region]
        return region, [region, ", which turns gradients off for ", cut.stack]

    def matters(self, func: Any) -> bool:
        """Has a torch function to be watched at all?"""
        return (self._kinds.get(func) or self._learn(func)) is not Kind.NOTHING

    def done(
        self,
        func: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        out: Any,
        made: bool,
        frame: FrameType,
        before: int,
    ) -> None:
        """A torch function has run. `made`: a node, from the sequence number `before` on."""
        kind = self._kinds.get(func) or self._learn(func)
        if kind is Kind.LOOKS:
            return
        made = made and torch.is_grad_enabled()  # autocast casts weights with gradients under `no_grad` too
        if kind is Kind.OPERATION:
            if made:
                self.cuts.use(args, before)
            in_place = kwargs and ("inplace" in kwargs or "out" in kwargs or "max_norm" in kwargs)
            if not in_place and (made or not isinstance(out, (torch.Tensor, tuple, list))):
                return
        elif kind is Kind.PICKS and made:
            self.cuts.use(args, before)
        with untouched():
            self._remember(kind, func, args, kwargs, out, made, frame)

    @contextmanager
    def recomputing(self) -> Iterator[None]:
        """While a pass runs: what a checkpoint computes again is looked at where somebody waits for that."""
        here = self.recomputed.waiting and "done" not in vars(self)
        if here:
            self.done = self._done_again  # type: ignore[method-assign]
        try:
            yield
        finally:
            if here:
                del self.done
            self.recomputed.pass_ended()

    def _done_again(
        self, func: Any, args: Any, kwargs: Any, out: Any, made: bool, frame: FrameType, before: int
    ) -> None:
        Deeds.done(self, func, args, kwargs, out, made, frame, before)
        self.recomputed.ran(func, args, kwargs, out, frame)

    def _remember(
        self, kind: Kind, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any, made: bool,
        frame: FrameType,
    ) -> None:  # fmt: skip
        if kind in (Kind.OPERATION, Kind.PICKS):
            if kwargs.get("inplace") or kwargs.get("out") is not None or kwargs.get("max_norm") is not None:
                self._wrote(func, args, kwargs, frame)
            if not made or kind is Kind.PICKS:
                self._maybe_cut(func, args, kwargs, out, frame)
        elif kind is Kind.WRITES:
            self._wrote(func, args, kwargs, frame)
        elif kind is Kind.LEAVES:
            self._left(func, args, frame)
        elif kind is Kind.GRAD_MODE:
            self._grad_mode(bool(args and args[0]), frame)
        elif kind is Kind.CLEARS:
            if self._clears is not None and args[1] is None:
                self._clears(args[0], self._places.stack(frame))
        elif args and is_tensor(args[0]):
            self._freeze(args[0], frame)

    def _learn(self, func: Any) -> Kind:
        if len(self._kinds) > CROWD:
            self._kinds.clear()
        clears = self._clears is not None and func == _SET_GRAD
        kind = self._kinds[func] = Kind.CLEARS if clears else kind_of(func)
        return kind

    # ---------------------------------------------------------------- in place

    def _wrote(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], frame: FrameType) -> None:
        name = _name(func)
        stack = self._places.stack(frame)
        taken = args
        if name == "embedding" and kwargs.get("max_norm") is not None:
            taken = args[1:2]
        for tensor in written(taken, kwargs):
            self.writes.changed(tensor, name, stack)
            if name == "detach_":
                cut = self._cut(".detach_()", stack, ())
                cut.whole = False  # what the tensor was made from is gone
                self.cuts.came(tensor, cut)

    # -------------------------------------------------------------------- cuts

    def _maybe_cut(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any, frame: FrameType
    ) -> None:
        """A function that made no node: did one of its arguments have a graph?"""
        results = [t for t in (out if isinstance(out, (tuple, list)) else (out,)) if _without_graph(t)]
        if not results:
            return
        given = tuple(args) + tuple(kwargs.values())
        lost = [t for t in tensors_of(given) if t.requires_grad]
        cut = self.cuts.origin(tensors_of(given))
        if cut is None:
            if not lost or any(t is result for t in lost for result in results):
                return
            how, region = self._how(func, results[0])
            cut = self._cut(how, self._places.stack(frame), (), region)
        if lost and len(cut.of) < MANY:
            cut.of.extend(map(Reference, lost))
            self.cuts.look(cut, lost)
        elif lost:
            cut.whole = False
        for result in results:
            self.cuts.came(result, cut)

    def _cut(self, how: str, stack: int, of: tuple[weakref.ref[Any], ...], region: int | None = None) -> Cut:
        return self.cuts.add(Cut(how, stack, next_sequence_number(), region, list(of)))

    def _how(self, func: Any, result: torch.Tensor) -> tuple[str, int | None]:
        name = _name(func)
        if name == "detach":
            return ".detach()", None
        if name == "__get__" and _attribute(func) == "data":
            return ".data", None
        if torch.is_inference_mode_enabled():
            return INFERENCE, None
        if not torch.is_grad_enabled():
            return self._off_by, self._off
        if not (result.is_floating_point() or result.is_complex()):
            if name in _PICKS:
                return f"the indices of {name}, which have no gradient", None
            dtype = str(result.dtype).removeprefix("torch.")
            return f"{name}, whose result is {dtype} and has no gradient", None
        if name in ("tensor", "as_tensor", "new_tensor"):
            return f"{name}(...), which copies the values alone", None
        if name == "grad":
            return "torch.autograd.grad without create_graph=True", None
        return f"{name}, which has no gradient", None

    def _left(self, func: Any, args: tuple[Any, ...], frame: FrameType) -> None:
        if not args or not is_tensor(args[0]):
            return
        cut = self.cuts.of(args[0])
        if cut is not None:
            cut.leaves = True
            self.cuts.left = cut
        elif args[0].requires_grad:
            how = _LEAVING[_name(func)]
            self.cuts.left = self._cut(how, self._places.stack(frame), (Reference(args[0]),))
            self.cuts.left.leaves = self.cuts.left.direct = True
            self.cuts.look(self.cuts.left, [args[0]])

    # --------------------------------------------------------- gradients on, off

    def _grad_mode(self, on: bool, frame: FrameType) -> None:
        if on:
            self._off = None
        elif self._off is None:
            decorated = _decorated(frame)
            self._off = self._places.at(decorated) if decorated else self._places.stack(frame)
            self._off_by = _words(frame)

    def _freeze(self, leaf: torch.Tensor, frame: FrameType) -> None:
        if leaf.requires_grad:
            self._frozen.pop(id(leaf), None)
            return
        if len(self._frozen) > CROWD:
            self._frozen.clear()
        self._frozen[id(leaf)] = (Reference(leaf), self._places.stack(frame))


def _attribute(func: Any) -> str:
    """The property that a getter or setter is of."""
    return getattr(getattr(func, "__self__", None), "__name__", "")


def _name(func: Callable[..., Any]) -> str:
    return getattr(func, "__name__", "an operation")


def _without_graph(result: Any) -> bool:
    """Asked by `is_leaf`: to look at `grad_fn` would have Python see the node."""
    return is_tensor(result) and is_leaf(result)


def _words(frame: FrameType) -> str:
    """What turns gradients off."""
    if _asked_plainly(frame):
        return "torch.set_grad_enabled(False)"
    outer: FrameType | None = frame
    while outer is not None and outer.f_code.co_filename.startswith(torch.__path__[0]):
        if outer.f_code.co_filename == _CHECKPOINTS:
            given = variable(outer, "args") if outer.f_code.co_name == "forward" else None
            graph = any(tensor.requires_grad for tensor in tensors_of(given or ()))
            return CHECKPOINT if given is not None and not graph else NO_GRAD
        outer = outer.f_back
    return NO_GRAD


def _asked_plainly(frame: FrameType) -> bool:
    """Is it `set_grad_enabled` itself that turns gradients off? `no_grad` asks it to."""
    asks, by = frame.f_code, frame.f_back
    return asks.co_name == "__init__" and (by is None or by.f_code.co_filename != asks.co_filename)


def _decorated(frame: FrameType | None) -> CodeType | None:
    """The function below `@torch.no_grad()`, where that turns gradients off."""
    for _ in range(3):
        if frame is None:
            return None
        if frame.f_code.co_name == "decorate_context":
            return getattr(variable(frame, "func"), "__code__", None)
        frame = frame.f_back
    return None
