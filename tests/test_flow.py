"""How gradients flow: what is told of passes that lose or blow up their gradient, and what is left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn

import gradtui
from gradtui.trace import Trace, flow

Made = Iterator[torch.Tensor]


def kinds(trace: Trace) -> list[str]:
    return [finding.kind for finding in trace.findings]


def trained(net: nn.Module, losses: Callable[[], Made], rate: float = 1e-2, scale: float = 1.0) -> Trace:
    """Each loss goes backward, multiplied by `scale`, and the net takes a step of `rate / scale`."""
    optimizer = torch.optim.SGD(net.parameters(), rate / scale)
    with gradtui.record() as trace:
        for loss in losses():
            optimizer.zero_grad()
            (loss * scale).backward()
            optimizer.step()
    return trace


def deep(activation: type[nn.Module], depth: int, std: float | None = None) -> nn.Sequential:
    torch.manual_seed(0)
    layers = [part for _ in range(depth) for part in (nn.Linear(16, 16), activation())]
    net = nn.Sequential(*layers, nn.Linear(16, 1))
    for leaf in net.parameters():
        if std is not None and leaf.dim() > 1:
            nn.init.normal_(leaf, std=std)
    return net


def fitted(net: nn.Module, times: int, target: float = 1.0) -> Callable[[], Made]:
    def losses() -> Made:
        for _ in range(times):
            yield (net(torch.randn(12, 16)) - target).pow(2).mean()

    return losses


# ------------------------------------------------------------------- vanishing


def test_a_gradient_that_fades_is_told_in_the_third_pass() -> None:
    net = deep(nn.Sigmoid, 14)
    trace = trained(net, fitted(net, 5))
    assert kinds(trace) == ["vanishing"]
    finding = trace.findings[0]
    assert finding.pass_number == 3
    assert finding.name is not None
    assert finding.op == "AccumulateGrad"


@pytest.mark.parametrize(("activation", "depth"), [(nn.Sigmoid, 4), (nn.Tanh, 14), (nn.ReLU, 14)])
def test_what_still_arrives_is_left_alone(activation: type[nn.Module], depth: int) -> None:
    net = deep(activation, depth, None if activation is nn.Sigmoid else (2 / 16) ** 0.5)
    assert kinds(trained(net, fitted(net, 6), 1e-3)) == []


def test_two_passes_are_too_few() -> None:
    net = deep(nn.Sigmoid, 14)
    assert kinds(trained(net, fitted(net, 2))) == []


# ------------------------------------------------------------------- exploding


def test_layers_that_stretch_are_told_at_the_far_end() -> None:
    net = deep(nn.ReLU, 16, 2.0)
    trace = trained(net, fitted(net, 1), 0.0)
    assert set(kinds(trace)) == {"exploding"}


def test_a_rate_too_large_is_told_where_backward_was_called() -> None:
    net = nn.Linear(16, 1)
    torch.manual_seed(0)
    trace = trained(net, fitted(net, 14), 2.0)
    assert kinds(trace)[:1] == ["exploding"]
    assert trace.findings[0].culprit is not None


@pytest.mark.parametrize(("target", "scale"), [(1.0, 65536.0), (2e5, 1.0), (0.0, 1.0)])
def test_scaled_losses_and_large_targets_are_left_alone(target: float, scale: float) -> None:
    net = deep(nn.ReLU, 2)
    assert kinds(trained(net, fitted(net, 12, target), 1e-9 if target > 1 else 1e-3, scale)) == []


# ------------------------------------------------------------------- dead units


def biased(low: int, to: float = -50.0) -> nn.Sequential:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 1))
    with torch.no_grad():
        net[0].bias[:low] = to
    return net


@pytest.mark.parametrize(
    ("units", "times", "told"), [(12, 3, 1), (12, 2, 0), (9, 10, 1), (9, 9, 0), (7, 20, 0)]
)
def test_dead_units_are_told_when_they_stay_dead(units: int, times: int, told: int) -> None:
    net = biased(units)
    assert kinds(trained(net, fitted(net, times))) == ["dead-unit"] * told


def test_a_saturated_tanh_is_dead() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(16, 12), nn.Tanh(), nn.Linear(12, 1))
    with torch.no_grad():
        net[0].bias.fill_(200.0)
    assert kinds(trained(net, fitted(net, 3))) == ["dead-unit"]


# ------------------------------------------------------------------- flat


class Rounded(nn.Module):
    def __init__(self, through: bool) -> None:
        super().__init__()
        self.a, self.b, self.through = nn.Linear(16, 8), nn.Linear(8, 1), through

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = 5 * self.a(x)
        return self.b(h + (h.round() - h).detach() if self.through else h.round())


@pytest.mark.parametrize("through", [False, True])
def test_rounding_cuts_unless_something_goes_straight_through(through: bool) -> None:
    torch.manual_seed(0)
    net = Rounded(through)
    trace = trained(net, fitted(net, 2))
    assert kinds(trace) == ([] if through else ["cut-graph"])
    if not through:
        assert trace.findings[0].op == "RoundBackward0"


def test_a_fraction_is_no_cut() -> None:
    torch.manual_seed(0)
    net = nn.Linear(16, 8)
    with gradtui.record() as trace:
        h = net(torch.randn(4, 16))
        (h - h.floor()).sum().backward()
    assert kinds(trace) == []


def test_of_leaves_that_are_made_anew_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "CROWD", 50)
    stays = torch.ones(3, requires_grad=True)
    with gradtui.record() as trace:
        for _ in range(20):
            leaves = [torch.ones(2, requires_grad=True) for _ in range(10)]
            (torch.stack([leaf.sum() for leaf in leaves]).sum() + stays.sum()).backward()
            stays.grad = None
    known = trace._diagnosis._flow._leaves
    assert len(known) == 50
    last = trace.passes[-1]
    assert {step.node for step in last.messages if last.nodes[step.node].leaf} <= set(known)


def _satisfied(loss: Callable[[torch.Tensor], torch.Tensor]) -> Trace:
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    scale = nn.Parameter(torch.zeros(()))
    net.register_parameter("scale", scale)

    def losses() -> Made:
        for _ in range(6):
            out = net(torch.randn(16, 4))
            yield out.pow(2).mean() + loss(out) * (-scale).exp() + scale + net[2].bias.dot(net[2].bias)

    return trained(net, losses)


@pytest.mark.parametrize(
    "loss",
    [
        lambda out: torch.relu(out - 100).mean(),
        lambda out: torch.clamp(-100 - out, min=0).mean(),
        lambda out: nn.functional.hinge_embedding_loss(out + 100, -torch.ones(16, 1), margin=1.0),
    ],
)
def test_a_margin_that_is_met_is_no_dead_unit(loss: Callable[[torch.Tensor], torch.Tensor]) -> None:
    assert kinds(_satisfied(loss)) == []


def test_nets_that_stand_side_by_side_are_not_compared() -> None:
    def net() -> nn.Sequential:
        return nn.Sequential(*[layer for _ in range(5) for layer in (nn.Linear(4, 4), nn.Tanh())])

    torch.manual_seed(0)
    strain, pressure = net(), net()
    with gradtui.record() as trace:
        for _ in range(3):
            x = torch.randn(16, 4)
            small = (strain(x) * 1e-3 - 1e-3).pow(2).mean()
            (small + (pressure(x) * 1e3 - 1e3).pow(2).mean()).backward()
            for p in (*strain.parameters(), *pressure.parameters()):
                p.grad = None
    assert not trace.findings


def test_of_two_nets_the_one_that_fades_is_told_with_its_own_weights() -> None:
    torch.manual_seed(0)
    deep = nn.Sequential(*[layer for _ in range(20) for layer in (nn.Linear(4, 4), nn.Sigmoid())])
    other = nn.Sequential(*[layer for _ in range(5) for layer in (nn.Linear(4, 4), nn.Tanh())])
    with gradtui.record() as trace:
        for _ in range(3):
            x = torch.randn(16, 4)
            (other(x).pow(2).mean() + deep(x).pow(2).mean()).backward()
            for p in (*deep.parameters(), *other.parameters()):
                p.grad = None
    (finding,) = trace.findings
    assert finding.kind == "vanishing"
    assert "through 20 weights" in finding.message


def test_a_loss_of_large_numbers_has_large_gradients() -> None:
    torch.manual_seed(0)
    size = torch.rand(200, 1) * 3000 + 500
    net = nn.Sequential(nn.Linear(1, 64), nn.ReLU(), nn.Linear(64, 1))
    with gradtui.record() as trace:
        nn.functional.mse_loss(net(size), 150 * size).backward()
    assert trace.passes[0].leaves["net.2.weight"].after.norm > 1e9
    assert not trace.findings
