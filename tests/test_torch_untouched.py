"""With torch watched, all is as it is without, and nothing stays hooked or alive."""

from __future__ import annotations

import builtins
import gc
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.autograd.graph as graph
from tensors import network, nodes_below

import gradtui

# --------------------------------------------------------- exactly as without us


def programs() -> dict[str, Callable[[], list[torch.Tensor]]]:
    def mlp() -> list[torch.Tensor]:
        net, x = network()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        for _ in range(3):
            optimizer.zero_grad()
            (net(x) ** 2).mean().backward()
            optimizer.step()
        return [p.grad for p in net.parameters()] + list(net.parameters())

    def attention() -> list[torch.Tensor]:
        torch.manual_seed(1)
        layer = torch.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        x = torch.randn(2, 5, 8)
        layer(x).pow(2).sum().backward()
        return [p.grad for p in layer.parameters()]

    def recurrent() -> list[torch.Tensor]:
        torch.manual_seed(2)
        net = torch.nn.LSTM(3, 4)
        out, _ = net(torch.randn(6, 2, 3))
        out.sum().backward()
        return [p.grad for p in net.parameters()]

    def convolution() -> list[torch.Tensor]:
        torch.manual_seed(3)
        net = torch.nn.Sequential(
            torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.ReLU(), torch.nn.MaxPool2d(2)
        )
        net(torch.randn(2, 1, 8, 8)).sum().backward()
        return [p.grad for p in net.parameters()]

    return {f.__name__: f for f in (mlp, attention, recurrent, convolution)}


@pytest.mark.parametrize("name", programs())
def test_gradients_are_bit_equal(name: str) -> None:
    program = programs()[name]
    plain = program()
    with gradtui.record() as trace:
        watched = program()
    assert len(plain) == len(watched)
    assert all(a.detach().numpy().tobytes() == b.detach().numpy().tobytes() for a, b in zip(plain, watched))
    assert trace.passes
    assert trace.notices == []
    assert [f.message for f in trace.findings] == []


def state() -> tuple[Any, ...]:
    return (
        builtins.__build_class__,
        graph._engine_run_backward,
        torch.autograd._engine_run_backward,
        torch.autograd.Function.__dict__["apply"],
        torch._C._len_torch_function_stack(),
        torch._C._len_torch_dispatch_stack(),
        torch.is_grad_enabled(),
    )


class Broken(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
        raise ValueError("broken on purpose")


@pytest.mark.parametrize("raises", [False, True])
def test_everything_is_handed_back(raises: bool) -> None:
    before = state()
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = Broken.apply(x * 2) if raises else x * 2
    loss = (y**2).sum()
    calls: list[str] = []
    for node in nodes_below(loss):
        node.register_hook(lambda *_: calls.append("user"))

    error = ""
    with gradtui.record() as trace:
        try:
            loss.backward(retain_graph=True)
        except ValueError as raised:
            error = str(raised)
    assert state() == before
    assert error == ("broken on purpose" if raises else "")
    assert trace.passes[0].ended.error == (f"ValueError: {error}" if raises else None)
    assert [s.node.op for s in trace.passes[0].steps][:2] == ["SumBackward0", "PowBackward0"]
    gc.collect()
    # the graph lives on: a hook left on a node would keep its owner alive
    assert not [o for o in gc.get_objects() if type(o).__name__ in ("TorchPass", "ForwardMap")]
    users = len(calls)
    try:
        loss.backward()
    except ValueError:
        pass
    assert len(calls) == 2 * users


def test_a_pass_keeps_no_tensor_alive() -> None:
    def live() -> int:
        gc.collect()
        return sum(1 for o in gc.get_objects() if type(o) is torch.Tensor)

    w = torch.ones(3, requires_grad=True)
    with gradtui.record():
        (w * 2).sum().backward()
        before = live()
        for _ in range(5):
            ((w * 2).tanh() ** 2).sum().backward()
        assert live() == before


def test_the_twin_keeps_no_tensor_alive() -> None:
    from gradtui.scalar import Value

    def live() -> int:
        gc.collect()
        return sum(1 for o in gc.get_objects() if type(o) is torch.Tensor and o.dtype == torch.float64)

    before = live()
    with gradtui.record():
        for _ in range(3):
            a = Value(2.0)
            ((a * a).tanh() + a).backward()
        assert live() == before


def test_an_error_inside_the_block_goes_through() -> None:
    before = state()
    with pytest.raises(ZeroDivisionError), gradtui.record():
        1 / 0  # noqa: B018
    assert state() == before


def test_functional_gradients_are_left_alone() -> None:
    x = torch.tensor([1.0, 2.0])
    with gradtui.record(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        per_sample = torch.func.vmap(torch.func.grad(lambda v: v**2))(x)
    assert per_sample.tolist() == [2.0, 4.0]


# ----------------------------------------------------------- what others see of us


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
        return g * 2


@pytest.mark.filterwarnings("ignore")  # of torch's own deprecations
@pytest.mark.parametrize("custom", [False, True])
def test_compiling_sees_nothing_of_ours(custom: bool) -> None:
    w = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)

    def loss(x: torch.Tensor) -> torch.Tensor:
        y = Doubled.apply(x * w) if custom else x * w * 2
        return y.tanh().sum()

    (expected,) = torch.autograd.grad(loss(torch.ones(3)), w)
    with gradtui.record() as trace:
        torch._dynamo.reset()
        torch.compile(loss, backend="eager", fullgraph=True)(torch.ones(3)).backward()
    assert torch.equal(w.grad, expected)
    assert [set(run.leaves) for run in trace.passes] == [{"w"}]
    assert trace.notices == []


@pytest.mark.filterwarnings("ignore")
def test_tracing_sees_nothing_of_ours() -> None:
    net, x = network()

    def written_down() -> list[str]:
        return [node.kind() for node in torch.jit.trace(net, x).inlined_graph.nodes()]

    plain = written_down()
    with gradtui.record():
        watched = written_down()
    assert watched == plain


def test_a_tensor_subclass_that_only_stands_by_hears_nothing_of_us() -> None:
    heard = []

    class Touchy(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            heard.append(func)
            raise RuntimeError("not to be touched")

    stands_by = torch.ones(3).as_subclass(Touchy)
    x = torch.ones(2, requires_grad=True)
    with gradtui.record() as trace:
        (x * 2).sum().backward()
    assert heard == []
    assert trace.notices == []
    assert type(stands_by) is Touchy
