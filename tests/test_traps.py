"""Where watching torch could show: each program leaves the same behind with a recording as without."""

from __future__ import annotations

import copy
import os
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.autograd.forward_ad as forward_ad
import torch.autograd.graph as graph
from opinfo import bits
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

import gradtui

Program = Callable[[], Any]
PROGRAMS: dict[str, tuple[Program, int]] = {}


def program(passes: int) -> Callable[[Program], Program]:
    """A program whose result must be the same; the recording sees so many passes."""

    def known(run: Program) -> Program:
        PROGRAMS[run.__name__] = run, passes
        return run

    return known


def to_the_bit(x: Any) -> Any:
    if isinstance(x, Tensor):
        return bits(x)
    if isinstance(x, (list, tuple)):
        return [to_the_bit(part) for part in x]
    return x


@pytest.mark.filterwarnings("ignore")  # of torch's own deprecations
@pytest.mark.parametrize("name", PROGRAMS)
def test_left_as_without_a_recording(name: str) -> None:
    run, passes = PROGRAMS[name]
    torch.manual_seed(0)
    plain = to_the_bit(run())
    torch.manual_seed(0)
    with gradtui.record() as trace:
        watched = run()
    assert to_the_bit(watched) == plain
    assert [n.message for n in trace.notices if "could not" in n.message] == []
    assert len(trace.passes) == passes
    assert all(p.ended is not None for p in trace.passes)


def leaf(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def error_of(work: Callable[[], Any]) -> tuple[str, str]:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - whatever torch raises
        return type(error).__name__, str(error)
    return "", ""


# ----------------------------------------------------------------- ways to call


@program(passes=2)
def gradient_edges() -> Any:
    x = leaf(1.0, 2.0)
    y = x * 3
    z = (y**2).sum()
    first = torch.autograd.grad(graph.get_gradient_edge(z), graph.get_gradient_edge(y), retain_graph=True)
    torch.autograd.backward(graph.get_gradient_edge(z), inputs=[x])
    return first, x.grad


@program(passes=3)
def inputs_that_are_inner_nodes() -> Any:
    x = leaf(1.0, 2.0)
    y = x * 3
    z = y.exp()
    grads = torch.autograd.grad(z.sum(), [z, y, x], retain_graph=True)
    unused = torch.autograd.grad(z.sum(), [leaf(1.0), y], allow_unused=True, retain_graph=True)
    z.sum().backward(inputs=[y, x])
    return grads, unused[0] is None, unused[1], y.grad, x.grad


@program(passes=3)
def many_gradients_at_once() -> Any:
    x = leaf(1.0, 2.0, 3.0)
    y = x**2 * x.sum()
    rows = torch.autograd.grad(
        y, x, torch.eye(3, dtype=torch.float64), is_grads_batched=True, retain_graph=True
    )
    jacobian = torch.autograd.functional.jacobian(lambda v: v.exp().sum(), x)
    (again,) = torch.autograd.grad(y, x, torch.ones_like(y))
    return rows, jacobian, again


@program(passes=3)
def gradient_penalty() -> Any:
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    x = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    (g,) = torch.autograd.grad(net(x).sum(), x, create_graph=True)
    (h,) = torch.autograd.grad(g.pow(2).sum(), x, create_graph=True)
    (g.norm(dim=1).sub(1).square().mean() + h.sum()).backward()
    return x.grad, [p.grad for p in net.parameters()]


@program(passes=3)
def what_torch_refuses() -> Any:
    x = leaf(1.0, 2.0)
    y = x.exp()
    once = y.sum()
    once.backward()
    z = x.exp()
    changed = z * 2
    z.add_(1)
    return (
        error_of(once.backward),
        error_of(lambda: torch.ones(2).sum().backward()),
        error_of(lambda: (x * 2).backward()),
        changed,
        error_of(lambda: torch.autograd.grad(changed.sum() * 0 + z.exp().mul_(2).sum(), [leaf(1.0)])),
        x.grad,
    )


@program(passes=1)
def a_saved_value_changed_in_place() -> Any:
    x = leaf(1.0, 2.0)
    y = x.exp()
    loss = y.sum()
    y.add_(1)
    return error_of(loss.backward), x.grad


@program(passes=1)
def a_chain_of_ten_thousand() -> Any:
    x = leaf(0.5, 0.25)
    y = x
    for _ in range(10_000):
        y = y * 1.0001
    y.sum().backward()
    return x.grad


@program(passes=1)
def a_recurrent_net_of_many_steps() -> Any:
    cell = nn.RNNCell(2, 3)
    h = torch.zeros(1, 3)
    x = torch.randn(1, 2)
    for _ in range(500):
        h = cell(x, h)
    h.sum().backward()
    return [p.grad for p in cell.parameters()]


# ------------------------------------------------------------------ the user's hooks


@program(passes=1)
def hooks_of_every_kind() -> Any:
    heard: list[Any] = []
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double()
    x = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    net[0].register_full_backward_hook(lambda m, sent, got: heard.append(("module", sent, got)))
    net[1].register_full_backward_pre_hook(lambda m, got: (got[0] * 2,))
    y = net(x)
    y.retain_grad()
    y.register_hook(lambda g: g * 3)
    y.grad_fn.register_prehook(lambda got: (got[0] + 1,))
    y.grad_fn.register_hook(lambda sent, got: heard.append(("node", got)))
    gone = y.register_hook(lambda g: g * 100)
    gone.remove()
    net[2].weight.register_hook(lambda g: g.clamp(-0.1, 0.1))
    net[2].bias.register_post_accumulate_grad_hook(lambda p: (p.grad.mul_(2), None)[1])
    graph.register_multi_grad_hook(
        list(net.parameters()), lambda grads: heard.append(("all", [g is None for g in grads]))
    )
    y.sum().backward()
    return heard, y.grad, x.grad, [p.grad for p in net.parameters()]


@program(passes=1)
def hooks_that_come_and_go_within_the_pass() -> Any:
    x = leaf(1.0, 2.0)
    y = x * 2
    z = y.exp()
    heard: list[str] = []
    handle = y.register_hook(lambda g: heard.append("never"))

    def during(g: Tensor) -> None:
        handle.remove()
        y.register_hook(lambda g: heard.append("late"))

    z.register_hook(during)
    z.sum().backward()
    return heard, x.grad


@program(passes=1)
def a_hook_that_raises() -> Any:
    x = leaf(1.0, 2.0)
    y = x * 2

    def hook(g: Tensor) -> None:
        raise KeyError("the user's own")

    y.register_hook(hook)
    return error_of(y.exp().sum().backward), x.grad


@program(passes=2)
def an_optimizer_inside_backward() -> Any:
    net = nn.Linear(3, 2)

    def step(p: Tensor) -> None:
        p.data.sub_(p.grad, alpha=0.1)
        p.grad = None

    for p in net.parameters():
        p.register_post_accumulate_grad_hook(step)
    for _ in range(2):
        net(torch.ones(1, 3)).sum().backward()
    return list(net.parameters()), [p.grad for p in net.parameters()]


@program(passes=1)
def which_node_runs() -> Any:
    class Asks(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Tensor:
            heard.append(torch._C._current_autograd_node().name())
            return g * 2

    heard: list[str] = []
    x = leaf(1.0)
    Asks.apply(x).sum().backward()
    return heard, x.grad


# ------------------------------------------------------------------ whose memory it is


@program(passes=3)
def a_gradient_is_taken_over_not_copied() -> Any:
    x, g = leaf(1.0, 2.0), torch.ones(2, dtype=torch.float64)
    x.backward(g)
    kept = x.grad
    x.backward(g)
    in_place = x.grad is kept
    y = leaf(1.0, 2.0)
    taken: list[int] = []
    z = y.exp()
    z.grad_fn.register_hook(lambda sent, got: taken.append(sent[0].data_ptr()))
    z.sum().backward()
    return in_place, x.grad.data_ptr() == g.data_ptr(), y.grad.data_ptr() in taken, x.grad, y.grad


@program(passes=1)
def a_saved_tensor_is_freed_as_its_node_has_run() -> Any:
    import weakref

    x = leaf(1.0, 2.0)
    y = x.exp()
    z = y.sin()
    living: list[bool] = []
    saved = weakref.ref(y)
    x.register_hook(lambda g: living.append(saved() is not None))
    del y
    z.sum().backward()
    return living, x.grad


# --------------------------------------------------------------------- kinds of tensors


@program(passes=1)
def nested_tensors() -> Any:
    a, b = leaf(1.0, 2.0), leaf(3.0)
    nested = torch.nested.as_nested_tensor([a, b])
    (nested * 2).to_padded_tensor(0.0).sum().backward()
    return a.grad, b.grad


@program(passes=1)
def jagged_tensors() -> Any:
    a, b = leaf(1.0, 2.0), leaf(3.0)
    nested = torch.nested.as_nested_tensor([a, b], layout=torch.jagged)
    (nested * 2).values().sum().backward()
    return a.grad, b.grad


@program(passes=2)
def sparse_tensors() -> Any:
    a = torch.eye(3, dtype=torch.float64).to_sparse().requires_grad_()
    w = torch.ones(3, 2, dtype=torch.float64, requires_grad=True)
    torch.sparse.mm(a, w).sum().backward()
    table = nn.EmbeddingBag(5, 2, sparse=True, mode="sum")
    table(torch.tensor([[0, 1], [1, 1]])).sum().backward()
    return a.grad, w.grad, table.weight.grad


@program(passes=2)
def empty_tensors() -> Any:
    x = torch.empty(0, 3, dtype=torch.float64, requires_grad=True)
    (x * 2).sum().backward()
    (x.exp()).sum().backward()
    return x.grad


@program(passes=1)
def subclasses_that_take_functions() -> Any:
    heard: list[str] = []

    class Named(Tensor):
        @classmethod
        def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            heard.append(getattr(func, "__name__", str(func)))
            return super().__torch_function__(func, types, args, kwargs or {})

    x = leaf(1.0, 2.0).detach().as_subclass(Named).requires_grad_()
    (x * 2).exp().sum().backward()
    return heard, type(x.grad), x.grad.as_subclass(Tensor)


@program(passes=1)
def subclasses_that_take_dispatch() -> Any:
    from torch.testing._internal.two_tensor import TwoTensor

    x = TwoTensor(torch.ones(2), torch.full((2,), 2.0)).requires_grad_()
    (x * x).exp().sum().backward()
    return x.grad.a, x.grad.b


# ---------------------------------------------------------------------- modes and contexts


@program(passes=1)
def a_dispatch_mode_hears_the_same() -> Any:
    heard: list[str] = []

    class Hears(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            heard.append(str(func))
            return func(*args, **(kwargs or {}))

    x = leaf(1.0, 2.0)
    with Hears():
        (x * 2).exp().sum().backward()
    return heard, x.grad


@program(passes=1)
def a_function_mode_hears_the_same() -> Any:
    heard: list[str] = []

    class Hears(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            heard.append(getattr(func, "__name__", str(func)))
            return func(*args, **(kwargs or {}))

    x = leaf(1.0, 2.0)
    with Hears():
        nn.functional.softmax(x * 2, 0)[0].backward()
    return heard, x.grad


@program(passes=1)
def floating_point_operations_are_counted_the_same() -> Any:
    net = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    with FlopCounterMode(display=False) as counter:
        net(torch.randn(2, 5, 8)).sum().backward()
    return counter.get_total_flops(), [p.grad for p in net.parameters()]


@program(passes=1)
def saved_tensor_hooks() -> Any:
    packed: list[str] = []

    def pack(x: Tensor) -> Tensor:
        packed.append("pack")
        return x.clone()

    def unpack(x: Tensor) -> Tensor:
        packed.append("unpack")
        return x

    x = leaf(1.0, 2.0)
    with graph.saved_tensors_hooks(pack, unpack), graph.save_on_cpu():
        y = (x * x).exp().sum()
    y.backward()
    return packed, x.grad


@program(passes=2)
def checkpoints_with_randomness() -> Any:
    calls: list[int] = []
    net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Tanh(), nn.Linear(4, 4))

    def block(v: Tensor) -> Tensor:
        calls.append(1)
        return net(v)

    def outer(v: Tensor) -> Tensor:
        return checkpoint(block, checkpoint(block, v, use_reentrant=False), use_reentrant=False)

    x = torch.randn(3, 4, requires_grad=True)
    for _ in range(2):
        checkpoint(outer, x, use_reentrant=False).sum().backward()
    return len(calls), x.grad, [p.grad for p in net.parameters()]


@program(passes=2)
def a_reentrant_checkpoint() -> Any:
    net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Tanh())
    x = torch.randn(3, 4, requires_grad=True)
    checkpoint(net, x, use_reentrant=True).sum().backward()
    return x.grad, [p.grad for p in net.parameters()]


@program(passes=3)
def mixed_precision() -> Any:
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    x = torch.randn(6, 4)
    for i in range(3):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = net(x).square().mean()
        if i == 1:
            loss = loss * float("inf")
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
    return list(net.parameters()), scaler.get_scale()


@program(passes=6)
def functional_transforms() -> Any:
    from torch.func import grad, hessian, jacfwd, jacrev, jvp, vjp, vmap

    def f(v: Tensor) -> Tensor:
        return (v.sin() * v).sum()

    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64)
    pulled, back = vjp(f, x[0])
    return (
        [vmap(grad(f))(x), vmap(jacrev(grad(f)))(x), hessian(f)(x[0]), jacfwd(grad(f))(x[0])],
        [jvp(f, (x[0],), (x[1],)), pulled, back(torch.tensor(2.0, dtype=torch.float64))],
    )


@program(passes=1)
def a_hook_under_vmap() -> Any:
    heard: list[str] = []

    def loss(v: Tensor) -> Tensor:
        y = v * 2
        y.register_hook(lambda g: heard.append(error_of(g.sum().item)[0]))
        return y.exp().sum()

    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64)
    return torch.func.vmap(torch.func.grad(loss))(x), heard


@program(passes=1)
def forward_mode() -> Any:
    x, t = leaf(1.0, 2.0), torch.ones(2, dtype=torch.float64)
    with forward_ad.dual_level():
        y = (forward_ad.make_dual(x, t) ** 2).sum()
        value, tangent = forward_ad.unpack_dual(y)
        tangent.backward()
    return value, tangent, x.grad


@program(passes=0)
def no_graph_at_all() -> Any:
    x = leaf(1.0, 2.0)
    with torch.no_grad():
        a = x * 2
    with torch.inference_mode():
        b = x * 2
    return a, b, a.requires_grad, b.is_inference()


@program(passes=0)
def fused_inference_paths() -> Any:
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True).eval()
    stack = nn.TransformerEncoder(layer, 2).eval()
    attention = nn.MultiheadAttention(16, 4, batch_first=True).eval()
    x = torch.randn(2, 5, 16)
    padding = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    with torch.no_grad():
        plain = layer(x), stack(x), stack(x, src_key_padding_mask=padding), attention(x, x, x)
    with torch.inference_mode():
        inference = layer(x)
    for p in layer.parameters():
        p.requires_grad_(False)
    return plain, inference, layer(x)


@program(passes=1)
def anomaly_detection() -> Any:
    x = leaf(0.0, 1.0)
    with torch.autograd.detect_anomaly():
        return error_of(lambda: (x.sqrt() * 0).sum().backward()), x.grad


# ----------------------------------------------------------------------- training


@program(passes=8)
def lbfgs() -> Any:
    x = leaf(-1.0, 2.0)
    optimizer = torch.optim.LBFGS([x], lr=0.5, max_iter=4, line_search_fn=None)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
        loss.backward()
        return loss

    for _ in range(2):
        optimizer.step(closure)
    return x


@program(passes=4)
def fused_and_foreach_optimizers() -> Any:
    nets = [nn.Linear(3, 2) for _ in range(2)]
    for net, optimizer in zip(
        nets,
        [
            torch.optim.Adam(nets[0].parameters(), fused=True),
            torch.optim.Adam(nets[1].parameters(), foreach=True),
        ],
    ):
        for _ in range(2):
            net(torch.ones(1, 3)).sum().backward()
            optimizer.step()
    return [list(net.parameters()) for net in nets]


@program(passes=1)
def modules_are_copied() -> Any:
    net = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    twin = copy.deepcopy(net)
    twin(torch.ones(1, 3)).sum().backward()
    return [p.grad for p in twin.parameters()], [p.grad for p in net.parameters()]


@program(passes=2)
def compiled_regions() -> Any:
    torch._dynamo.reset()
    net = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True)
    compiled = torch.compile(net, backend="aot_eager", fullgraph=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        for _ in range(2):
            compiled(torch.ones(2, 3, 4)).sum().backward()
    return [p.grad for p in net.parameters()]


@program(passes=4)
def graphs_made_in_other_threads() -> Any:
    results: dict[int, Any] = {}

    def work(i: int) -> None:
        x = leaf(1.0 + i, 2.0)
        for _ in range(i + 1):
            x.exp().mul(i).sum().backward()
        results[i] = x.grad

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    x = leaf(3.0)
    x.exp().sum().backward()
    return results[0], results[1], x.grad


@program(passes=0)
def gradients_are_checked_in_a_forked_child() -> Any:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            x = leaf(1.0, 2.0)
            (x * 2).sum().backward()
            os.write(writing, repr(x.grad.tolist()).encode())
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        return status, pipe.read()
