"""What is known of the forward: each node's values, outputs, module, and what it saved."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from tensors import values

import gradtui
from gradtui.probe.forward import VALUES, ForwardMap
from gradtui.probe.places import Places
from gradtui.trace.chainrule import terms


class _Inner(torch.autograd.Function):
    """A custom operation that builds a graph of its own on the way."""

    @staticmethod
    def forward(ctx, x):  # type: ignore[no-untyped-def]
        with torch.enable_grad():
            _ = x.detach().requires_grad_() * 2
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        (x,) = ctx.saved_tensors
        return gradient * 2 + 0 * x


def test_a_custom_function_has_its_line_and_what_it_saved() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with gradtui.record() as trace:
        y = _Inner.apply(x * 3)
        line = inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]
        y.sum().backward()
    step = next(s for s in trace.passes[0].steps if s.op == "_InnerBackward")
    assert (trace.source_of(step.node) or "").endswith(f"test_torch_forward.py:{line}")
    assert [(s.name, s.value.values) for s in step.saved if s.value] == [("tensors[0]", (3.0, 6.0))]


def test_the_module_that_made_a_node_is_named() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    with gradtui.record() as trace:
        loss = net(torch.ones(2, 3)).sum()
        loss.backward()
    made = {s.op: s.node.module for s in trace.passes[0].steps if not s.node.leaf}
    assert made["SumBackward0"] is None
    assert made["TanhBackward0"] == "net.1"
    assert [s.node.module for s in trace.passes[0].steps if s.op == "AddmmBackward0"] == ["net.2", "net.0"]
    assert {s.name: s.node.module for s in trace.passes[0].steps if s.node.leaf}["net.2.bias"] == "net.2"


def test_forward_values_are_few_and_small() -> None:
    w = torch.ones(4, requires_grad=True)
    with ForwardMap(Places()) as forward:
        for _ in range(VALUES + 10):
            y = w * 2
        assert forward.value_of(y.grad_fn._sequence_nr()).values == (2.0,) * 4
        assert len(forward._values) <= VALUES
        large = torch.ones(9, requires_grad=True) * 2
        assert forward.value_of(large.grad_fn._sequence_nr()) is None


def test_forward_values_go_with_the_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    real = ForwardMap.forget_values

    def forget(self: ForwardMap, numbers: Any) -> None:
        real(self, numbers)
        kept.append(len(self._values))

    monkeypatch.setattr(ForwardMap, "forget_values", forget)
    w = torch.ones(4, requires_grad=True)
    with gradtui.record() as trace:
        loss = (w * 2 + 1).sum()
        loss.backward(retain_graph=True)
        loss.backward()
    assert [values(run.steps[2].node.value) for run in trace.passes] == [[2.0] * 4] * 2
    assert kept == [0]


def test_each_output_of_a_node_has_its_own_name() -> None:
    x = torch.arange(1.0, 7.0, requires_grad=True)
    with gradtui.record() as trace:
        a, b, c = x.chunk(3)
        loss = (a * b - c).sum()
        loss.backward()
    names = {step.op: step.name for step in trace.passes[0].steps}
    assert names["SplitBackward0"] == "a, b, c"
    assert names["MulBackward0"] == "a*b"
    assert names["SubBackward0"] == "a*b - c"
    product = next(step for step in trace.passes[0].steps if step.op == "MulBackward0")
    assert product.node.outputs == (0, 1)
    assert [term.symbols for term in terms(trace.passes[0], product)] == [
        "∂loss/∂(a, b, c)[0] += ∂loss/∂(a*b) · (a, b, c)[1]",
        "∂loss/∂(a, b, c)[1] += ∂loss/∂(a*b) · (a, b, c)[0]",
    ]


class Wrapped(torch.nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.main = torch.nn.Linear(size, size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.main(x).tanh()
        return out


def test_modules_of_two_models_are_told_apart() -> None:
    one, two = Wrapped(3), Wrapped(3)
    with gradtui.record() as trace:
        two(one(torch.ones(2, 3))).sum().backward()
    modules = {node.module for node in trace.passes[0].nodes.values()}
    assert {"one.main", "two.main"} <= modules
    assert "main" not in modules


def test_a_model_alone_has_the_paths_of_named_modules() -> None:
    alone = Wrapped(3)
    with gradtui.record() as trace:
        alone(torch.ones(2, 3)).sum().backward()
    assert {node.module for node in trace.passes[0].nodes.values()} == {None, "main"}


def test_what_a_checkpoint_computes_again_has_its_lines_and_modules() -> None:
    net = Wrapped(3)
    with gradtui.record() as trace:
        x = torch.ones(2, 3, requires_grad=True)
        torch.utils.checkpoint.checkpoint(net, x, use_reentrant=True).sum().backward()
    again = [p for p in trace.passes if p.number > 1]
    assert again
    made = [node for p in again for node in p.nodes.values() if not node.leaf]
    assert {node.op for node in made} == {"TanhBackward0", "AddmmBackward0", "TBackward0"}
    assert all(trace.source_of(node) for node in made)
    assert {node.module for node in made if node.op != "TanhBackward0"} == {"main"}
