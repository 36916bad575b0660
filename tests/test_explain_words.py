"""What explanations say beside the kind and the lines: names, causes, what follows from what; and notices."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from test_explain import FAULTS, recorded
from torch import nn

from gradtui import record
from gradtui.trace import Trace


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("inplace_result", "needs h (its saved 'mat1')"),
        ("cut_anew", "belongs to no module is there instead (nn.Parameter(...) in the forward"),
        ("cut_random", "what is drawn at random has no slope"),
        ("cut_reentrant", "a checkpoint with use_reentrant=True, none of whose inputs requires a gradient"),
        ("nan_spread", "it is taken over 1 entry, and with a correction of 1 nothing is left to divide by"),
        ("nan_where", "there saved self is 0"),
    ],
)
def test_one_finding_says_what_it_is(name: str, says: str) -> None:
    trace, _ = recorded(FAULTS / f"{name}.py")
    (finding,) = trace.findings
    assert says in finding.message


def test_where_the_loss_had_grown_the_learning_rate_is_asked_about() -> None:
    trace, _ = recorded(FAULTS / "nan_rate.py")
    exploding, nonfinite = trace.findings
    assert (exploding.kind, nonfinite.kind) == ("exploding", "nonfinite")
    assert "passes before, the loss had grown from " in nonfinite.message
    assert nonfinite.message.endswith("are the optimizer's steps too large (the learning rate)?")


def test_what_two_lines_of_one_region_cut_is_told_together() -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q, self.k, self.v = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                weights = (self.q(x) @ self.k(x).mT).softmax(-1)
            return weights @ self.v(x)

    net = Attention()
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    with record() as trace:
        train(net, optimizer, lambda: torch.randn(2, 3, 4), 3)
    (finding,) = trace.findings
    assert "net.q.weight, net.q.bias, net.k.weight and 1 more, which it steps" in finding.message


def test_an_explosion_is_not_put_down_to_the_weights_gradient() -> None:
    with record() as trace:
        weight = nn.Parameter(torch.full((8, 8), 0.5))
        h = torch.ones(4, 8)
        for _ in range(24):
            h = torch.relu(h @ weight)
        h.pow(2).mean().backward()
    (finding,) = trace.findings
    assert "runs of one line" in finding.message
    assert finding.name == "h"


# ------------------------------------------------------------------------------ notices


def train(
    net: nn.Module, optimizer: torch.optim.Optimizer, batch: Callable[[], torch.Tensor], times: int
) -> None:
    for _ in range(times):
        net.zero_grad()
        net(batch()).pow(2).mean().backward()
        optimizer.step()


def notices(trace: Trace, word: str) -> list[str]:
    return [notice.message for notice in trace.notices if word in notice.message]


@pytest.mark.parametrize("times", [6, 60])
def test_parameters_that_no_optimizer_was_given_are_told_once_as_a_notice(times: int) -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(net[0].parameters(), 1e-3)
    with record() as trace:
        train(net, optimizer, lambda: torch.randn(5, 3), times)
    (told,) = notices(trace, "no optimizer was given")
    assert "a gradient comes to net.1.weight, net.1.bias in each pass" in told
    assert not trace.findings


def test_what_is_moved_by_hand_or_by_another_optimizer_or_frozen_is_not_told() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 1))
    net[1].requires_grad_(False)
    optimizer = torch.optim.SGD(net[0].parameters(), 1e-3)
    other = torch.optim.SGD(net[3].parameters(), 1e-3)
    with record() as trace:
        for _ in range(8):
            train(net, optimizer, lambda: torch.randn(5, 3), 1)
            other.step()
            with torch.no_grad():
                for leaf in net[2].parameters():
                    leaf -= 1e-3 * leaf.grad
    assert not notices(trace, "no optimizer was given")


def test_what_is_unfrozen_after_the_optimizer_was_made_is_told() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    net[0].requires_grad_(False)
    optimizer = torch.optim.Adam([leaf for leaf in net.parameters() if leaf.requires_grad], 1e-3)
    with record() as trace:
        train(net, optimizer, lambda: torch.randn(5, 3), 3)
        net[0].requires_grad_(True)
        train(net, optimizer, lambda: torch.randn(5, 3), 6)
    assert len(notices(trace, "no optimizer was given")) == 1


@pytest.mark.parametrize("detached", [False, True])
def test_a_kept_graph_that_grows_from_pass_to_pass_is_told(detached: bool) -> None:
    cell = nn.Linear(3, 3)
    state = torch.zeros(1, 3)
    with record() as trace:
        for _ in range(16):
            state = torch.tanh(cell(state.detach() if detached else state))
            state.sum().backward(retain_graph=True)
    assert len(notices(trace, "all of them kept by retain_graph")) == (not detached)
