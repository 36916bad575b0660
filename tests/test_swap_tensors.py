"""`torch.utils.swap_tensors` refuses tensors that somebody refers to weakly, as we do: it must not see us."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

import gradtui


@pytest.fixture(autouse=True)
def swapping() -> Iterator[None]:
    torch.__future__.set_swap_module_params_on_conversion(True)
    yield
    torch.__future__.set_swap_module_params_on_conversion(False)


class Twice(nn.Module):
    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return 2 * weight

    def right_inverse(self, weight: torch.Tensor) -> torch.Tensor:
        return weight / 2


def train() -> list[torch.Tensor]:
    """A net that is cast and parametrized while it trains."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    for i in range(4):
        optimizer.zero_grad()
        net(torch.ones(2, 3, dtype=net[2].bias.dtype)).sum().backward()
        optimizer.step()
        if i == 1:
            net.to(torch.float64)
        if i == 2:
            parametrize.register_parametrization(net[0], "weight", Twice())
    return [leaf.detach().clone() for leaf in net.parameters()]


def test_a_net_whose_parameters_are_swapped_trains_as_it_would() -> None:
    alone = train()
    with gradtui.record() as trace, gradtui.record():
        watched = train()
    assert all(map(torch.equal, alone, watched))
    assert len(trace.passes) == 4
    assert not trace.notices
    assert torch.utils.weakref is weakref  # type: ignore[attr-defined]


def test_a_reference_of_the_programs_own_is_still_seen() -> None:
    a, b = torch.ones(2), torch.zeros(2)
    reference = weakref.ref(a)
    with gradtui.record(), pytest.raises(RuntimeError, match="has weakref"):
        torch.utils.swap_tensors(a, b)
    assert reference() is a
