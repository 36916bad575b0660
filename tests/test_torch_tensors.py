"""Every kind of tensor has its summary: what is known of it, and what is not."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tensors import values

import gradtui
from gradtui.wire.messages import Summary


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_kinds_of_floats(dtype: torch.dtype) -> None:
    w = torch.tensor([1.5, -2.0], dtype=dtype, requires_grad=True)
    with gradtui.record() as trace:
        (w * 3).sum().backward()
    leaf = trace.passes[0].leaves["w"]
    assert leaf.after.dtype == str(dtype).removeprefix("torch.")
    assert values(leaf.after) == [3.0, 3.0]


def test_complex() -> None:
    z = torch.tensor([1 + 2j], requires_grad=True)
    with gradtui.record() as trace:
        (z * z.conj()).real.sum().backward()
    leaf = trace.passes[0].leaves["z"]
    assert leaf.after.note == "complex"
    assert leaf.after.norm == pytest.approx(abs(z.grad.item()))
    assert trace.notices == []


def test_sparse_gradients() -> None:
    table = torch.nn.Embedding(10, 3, sparse=True)
    with gradtui.record() as trace:
        table(torch.tensor([1, 4, 1])).sum().backward()
    assert table.weight.grad.is_sparse
    after = trace.passes[0].leaves["table.weight"].after
    assert after.note == "sparse"
    assert after.norm == pytest.approx(table.weight.grad.to_dense().norm().item())
    assert trace.notices == []


def test_empty_tensors() -> None:
    w = torch.empty(0, 3, requires_grad=True)
    with gradtui.record() as trace:
        (w * 2).sum().backward()
    leaf = trace.passes[0].leaves["w"]
    assert (leaf.after.shape, leaf.after.norm, values(leaf.after)) == ((0, 3), 0.0, [])


def test_large_tensors_have_norms_and_with_full_statistics_more() -> None:
    w = torch.linspace(-1, 1, 10_000, requires_grad=True)
    for stats, low in (("auto", None), ("full", 0.0)):
        w.grad = None
        with gradtui.record(stats=stats) as trace:
            (w**2).sum().backward()
        after = trace.passes[0].leaves["w"].after
        assert isinstance(after, Summary)
        assert after.norm == pytest.approx(w.grad.norm().item())
        assert (after.min is None) == (low is None)
        assert after.values is None


def test_numbers_that_are_not_finite_are_counted() -> None:
    w = torch.tensor([0.0, 1.0], requires_grad=True)
    with gradtui.record() as trace:
        w.log().sum().backward()
    assert trace.passes[0].leaves["w"].after.nonfinite == 1
    assert "nonfinite" in {f.kind for f in trace.findings}


def test_gradients_that_are_none() -> None:
    class Half(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return a + b

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor, None]:
            return g, None

    a = torch.tensor(1.0, requires_grad=True)
    b = torch.tensor(1.0, requires_grad=True)
    with gradtui.record() as trace:
        Half.apply(a, b).backward()
    assert (a.grad.item(), b.grad) == (1.0, None)
    assert [s is None for s in trace.passes[0].steps[0].message.sent] == [False, True]


def test_buffers_of_integers_and_no_grad_are_no_part() -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    index = torch.tensor([1, 0])
    with gradtui.record() as trace:
        with torch.no_grad():
            scale = w * 2
        (w[index] * scale).sum().backward()
    assert set(trace.passes[0].leaves) == {"w"}
    assert trace.notices == []


def test_a_gradient_of_zeros_is_there_before_the_pass() -> None:
    w = torch.tensor([1.0], requires_grad=True)
    w.grad = torch.zeros(1)
    with gradtui.record() as trace:
        (w * 2).sum().backward()
    (before,) = trace.passes[0].before.values()
    assert values(before) == [0.0]
