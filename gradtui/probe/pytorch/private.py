"""What gradtui knows of torch's private parts, in one place. Checked with torch 2.13.0.

- `_engine_run_backward`: the one door into the engine; `torch.autograd` imports it by name.
- `_get_sequence_nr`: the next sequence number of this thread; a node carries the number it was made with.
- `_current_graph_task_id`: which call of the engine runs what this thread is in.
- `_profiler_enabled`, `_enable_record_function`: whether this thread is profiled, and what it leaves out.
- `_functions.AccumulateGrad`: the type of the nodes that add to a leaf's `.grad`.
- `torch.utils.weakref`: `swap_tensors` asks it who refers to a tensor, and refuses one that somebody does.
- `_dispatch_keys`: bits that tell the device, the layout and the wrappers of a tensor.
- `Module._call_impl`: every call of a module passes through it.
- `register_optimizer_step_post_hook`, `.._pre_hook`: public, but they are lists for all optimizers.
- `_raw_saved_x.unpack_hook`: tells, without unpacking, that `_saved_x` would run hooks of the program's.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeGuard

import torch
import torch.autograd.graph as graph

from gradtui.probe.weak import Reference

next_sequence_number: Callable[[], int] = torch._C._autograd._get_sequence_nr

running_pass: Callable[[], int] = torch._C._current_graph_task_id
"""Inside a hook: a number for the call of the engine that runs the node, whatever the thread."""

RunBackward = Callable[..., Any]

_ACCUMULATE = torch._C._functions.AccumulateGrad  # type: ignore[attr-defined]

MODULE_CALL = torch.nn.Module._call_impl.__code__
"""The frame in which a module's forward runs; its local `self` is the module."""


def replace_engine_entry(entry: RunBackward) -> RunBackward:
    """Put `entry` at the door of the engine; returns what stood there."""
    original: RunBackward = graph._engine_run_backward
    graph._engine_run_backward = entry
    torch.autograd._engine_run_backward = entry  # type: ignore[attr-defined]
    return original


def engine_entry() -> RunBackward:
    """What stands at the door of the engine."""
    entry: RunBackward = graph._engine_run_backward
    return entry


def root_node(output: Any) -> Any:
    """The node that a pass over `output` (a tensor or a GradientEdge) starts from; None if it has none."""
    if isinstance(output, graph.GradientEdge):
        return output.node
    if not is_tensor(output) or not output.requires_grad:
        return None
    node = grad_fn_of(output)
    if node is not None:
        return node
    try:
        with torch.enable_grad():  # else a leaf has no edge
            return graph.get_gradient_edge(output).node
    except AttributeError:  # of another level of `torch.func`, which keeps its graph to itself
        return None


def is_tensor(value: object) -> TypeGuard[torch.Tensor]:
    """Also of objects of the program's, where `isinstance` may run code of theirs (a lazy `__class__`)."""
    return issubclass(type(value), torch.Tensor)


def grad_fn_of(tensor: torch.Tensor) -> Any:
    """The node that made a tensor; None for a leaf, and for a stale view.

    Stale is one of several views (`unbind`, `split`) whose base was changed in place since: torch raises
    whenever it is asked for its node, also by `is_leaf`.
    """
    try:
        return tensor.grad_fn
    except RuntimeError:
        return None


def is_leaf(tensor: torch.Tensor) -> bool:
    """Was it made by no node? Unlike `grad_fn`, this lets Python see none."""
    try:
        return tensor.is_leaf
    except RuntimeError:
        return False


def leaf_of(node: Any) -> Any:
    """The leaf that a node accumulates into, None for a node that does not.

    A custom function's node has the attributes that its author gave it, `variable` perhaps.
    """
    return node.variable if type(node) is _ACCUMULATE else None


def op_of(node: Any) -> str:
    """What a node is called, `TanhBackward0`, without the namespace."""
    op: str = type(node).name(node).rpartition("::")[2]  # `ctx.name` may be the author's
    return op


class _OthersReferences:
    """The module `weakref`, but that it does not tell of our references."""

    def __getattr__(self, name: str) -> Any:
        return getattr(weakref, name)

    @staticmethod
    def getweakrefs(obj: Any) -> list[Any]:
        """Those of the program's."""
        return [reference for reference in weakref.getweakrefs(obj) if type(reference) is not Reference]


_hiders = 0


def hide_references() -> None:
    """Let the program swap tensors that we refer to; until as many have called `show_references`."""
    global _hiders
    _hiders += 1
    if getattr(torch.utils, "weakref", None) is weakref:
        torch.utils.weakref = _OthersReferences()  # type: ignore[attr-defined, assignment]


def show_references() -> None:
    """Give back what `hide_references` took."""
    global _hiders
    _hiders -= 1
    if not _hiders and isinstance(getattr(torch.utils, "weakref", None), _OthersReferences):
        torch.utils.weakref = weakref  # type: ignore[attr-defined]


def being_compiled() -> bool:
    """Is torch writing down what runs (compile, export, jit)? Whatever we did would be written down too."""
    return torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None


def being_captured() -> bool:
    """Is a CUDA graph being made of what runs? To wait for the device, as reading does, would end that."""
    return bool(
        torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
        and torch.cuda.is_current_stream_capturing()
    )


def may_leave(ops: list[str]) -> bool:
    """May a graph between tensors of this machine's memory go over a device?"""
    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return False
    return any(op.startswith(("ToCopy", "Copy")) for op in ops)


def untouched() -> Any:
    """Context in which no function mode, subclass or profiler of the program's sees what we do."""
    if torch._C._autograd._profiler_enabled() and not hasattr(_unprofiled, "now"):
        return _without_profiler()
    return torch._C.DisableTorchFunction()


_unprofiled = threading.local()
"""Has `now` in a thread in which that is so already."""


@contextmanager
def _without_profiler() -> Iterator[None]:
    torch._C._autograd._enable_record_function(False)
    _unprofiled.now = True
    try:
        with torch._C.DisableTorchFunction():
            yield
    finally:
        del _unprofiled.now
        torch._C._autograd._enable_record_function(True)


_is_wrapped: Callable[[Any], bool] = torch._C._functorch.is_functorch_wrapped_tensor
_is_batched: Callable[[Any], bool] = torch._C._functorch.is_legacy_batchedtensor
dispatch_modes: Callable[[], int] = torch._C._len_torch_dispatch_stack
"""How many dispatch modes of the program's are active: they would see what we do with a tensor."""


_dispatch_keys: Callable[[Any], Any] = torch._C._dispatch_keys


def keys_of(tensor: Any) -> int:
    """Tells sparse, nested, conjugate, wrapped and batched tensors and those without a memory from others."""
    keys: int = _dispatch_keys(tensor).raw_repr()
    return keys


def readable(tensor: Any) -> str:
    """Why a tensor must not be read here; '' when it may be."""
    if _is_wrapped(tensor) or _is_batched(tensor):
        return "inside vmap or grad"
    if dispatch_modes():
        return "under a dispatch mode"
    if type(tensor) not in (torch.Tensor, torch.nn.Parameter) and _dispatches(type(tensor)):
        return type(tensor).__name__
    if tensor.is_meta:
        return "meta"
    if tensor.is_nested:
        return "nested"
    if tensor.layout is not torch.strided:
        return "sparse"
    return ""


def _dispatches(kind: type) -> bool:
    """Does a subclass take operations into its own hands? (`__torch_function__` we turn off.)"""
    return kind.__torch_dispatch__ is not torch.Tensor.__torch_dispatch__  # type: ignore[attr-defined]


def saved_names(node: Any) -> list[str]:
    """The names under which a node saved something; `tensors` for all that a custom Function saved."""
    names = [name[7:] for name in dir(type(node)) if name.startswith("_saved_")]
    return [*names, "tensors"] if hasattr(type(node), "saved_tensors") else names


def saved_value(node: Any, name: str) -> Any:
    """What stands under one of `saved_names`. Raises `RuntimeError` when it was freed or changed in place."""
    return getattr(node, "saved_tensors" if name == "tensors" else "_saved_" + name)


def saves_tensor(node: Any, name: str) -> bool:
    """Is what stands under one of `saved_names` a tensor, or several, and not a number or a shape?"""
    return hasattr(type(node), "_raw_saved_" + name)


def raw_saved(node: Any, name: str) -> Any:
    """A saved tensor as it is stored; None where there is none, or it was freed."""
    try:
        return getattr(node, "_raw_saved_" + name, None)
    except RuntimeError:
        return None


def packed(node: Any, name: str) -> bool:
    """Would reading this saved tensor run code of the program's (saved-tensor hooks, checkpoint, a mode)?"""
    raw = raw_saved(node, name)
    if raw is not None and dispatch_modes():
        return True
    parts = raw if isinstance(raw, (tuple, list)) else (raw,)
    return any(getattr(part, "unpack_hook", None) is not None for part in parts)


def on_optimizer_step(hook: Callable[..., None]) -> Any:
    """Call `hook` after every optimizer's step; returns the handle to remove it by."""
    from torch.optim.optimizer import register_optimizer_step_post_hook

    return register_optimizer_step_post_hook(hook)


def before_optimizer_step(hook: Callable[..., None]) -> Any:
    """Call `hook` before every optimizer's step; returns the handle to remove it by."""
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    return register_optimizer_step_pre_hook(hook)


def backward_of(node: Any) -> Any:
    """The `backward` of the custom `Function` that a node belongs to; None for torch's own."""
    return getattr(getattr(type(node), "_forward_cls", None), "backward", None)
