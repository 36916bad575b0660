"""Passes inside `torch.func`: what can be seen of them is, and nothing of ours fails there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.func import functional_call, grad, hessian, jacrev, vjp, vmap

import gradtui
from gradtui.wire.messages import Summary


def _net() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(9, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3))


def _loss(net: torch.nn.Module) -> Callable[..., torch.Tensor]:
    def loss(parameters: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        return functional_call(net, parameters, (x,)).square().sum()

    return loss


def per_sample() -> Any:
    net = _net()
    return vmap(grad(_loss(net)), (None, 0))(dict(net.named_parameters()), torch.ones(70, 9))


def second_order() -> Any:
    net = _net()
    return hessian(lambda x: _loss(net)(dict(net.named_parameters()), x))(torch.ones(9))


def unrelated_outputs() -> Any:
    x = torch.ones(70)
    return vjp(lambda x: (x.sin(), x), x)[1]((x, x)), jacrev(lambda _: torch.ones(3))(x)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
@pytest.mark.parametrize("work", [per_sample, second_order, unrelated_outputs])
def test_transforms_give_the_same_and_are_watched(work: Callable[[], Any]) -> None:
    alone = work()
    with gradtui.record() as trace:
        watched = work()
    torch.testing.assert_close(watched, alone, rtol=0, atol=0)
    assert not trace.notices
    assert any(p.steps for p in trace.passes)


def test_what_a_transform_wraps_is_not_read() -> None:
    with gradtui.record() as trace:
        per_sample()
    steps = [step for p in trace.passes for step in p.steps]
    assert steps
    assert {value.note for s in steps for value in s.received if isinstance(value, Summary)} == {
        "inside vmap or grad"
    }


def test_a_pass_that_starts_from_a_leaf_while_gradients_are_off() -> None:
    w = torch.ones(3, requires_grad=True)
    with gradtui.record() as trace, torch.no_grad():
        w.backward(torch.ones(3))
    assert not trace.notices
    assert [step.op for step in trace.passes[0].steps] == ["AccumulateGrad"]
