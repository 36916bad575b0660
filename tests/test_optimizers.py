"""What optimizers step, and what they do not: told where it is a fault, left alone where a program means it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn

import gradtui
from gradtui.trace import Trace


def kinds(trace: Trace) -> list[str]:
    return [finding.kind for finding in trace.findings]


class Layers(nn.Module):
    """Layers in a container of which the module knows nothing, and a head that it knows."""

    def __init__(self, count: int = 2) -> None:
        super().__init__()
        self.layers = [nn.Linear(4, 4) for _ in range(count)]
        self.head = nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = torch.tanh(layer(x))
        out: torch.Tensor = self.head(x)
        return out

    @property
    def hidden(self) -> list[nn.Parameter]:
        return [p for layer in self.layers for p in layer.parameters()]


Step = Callable[[int], object]


def steps_of(
    net: nn.Module, optimizer: torch.optim.Optimizer, times: int = 6, after: Step = lambda _: None
) -> None:
    for i in range(times):
        optimizer.zero_grad()
        net(torch.randn(5, 4)).pow(2).mean().backward()
        optimizer.step()
        after(i)


def sgd(parameters: Any) -> torch.optim.SGD:
    return torch.optim.SGD(parameters, lr=0.1)


# ------------------------------------------------------ never reached, or late


class Late(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.head, self.late = nn.Linear(4, 8), nn.Linear(8, 1), nn.Linear(8, 1)
        self.joined = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = torch.tanh(self.body(x))
        out: torch.Tensor = self.head(h)
        return out + self.late(h) if self.joined else out


def test_a_head_that_joins_after_many_steps_is_a_notice_and_no_finding() -> None:
    net = Late()

    def joins(i: int) -> None:
        net.joined = i >= 60

    with gradtui.record() as trace:
        steps_of(net, sgd(net.parameters()), 70, joins)
    assert kinds(trace) == []
    (notice,) = trace.notices
    assert notice.message.startswith(
        "in 50 steps of SGD no gradient has come to net.late.weight, net.late.bias"
    )


def test_one_that_never_joins_is_a_finding_at_the_end() -> None:
    net = Late()
    with gradtui.record() as trace:
        steps_of(net, sgd(net.parameters()), 70)
        assert not trace.findings
    assert kinds(trace) == ["unused-parameter"]
    assert trace.findings[0].message.startswith("in 70 steps of SGD no gradient has come to net.late.weight")


# ------------------------------------------------------- held by no optimizer


def test_layers_in_a_list_are_told_by_name_and_line() -> None:
    net = Layers()
    with gradtui.record() as trace:
        steps_of(net, sgd(net.parameters()))
    (finding,) = trace.findings
    assert (finding.kind, finding.name) == ("unstepped-parameter", "net.layers[0].weight")
    assert "net.layers is a list" in finding.message
    line = Layers.__init__.__code__.co_firstlineno + 2
    assert (finding.culprit or "").endswith(f"test_optimizers.py:{line}")


def test_after_many_steps_a_notice_says_it() -> None:
    net = Layers()
    with gradtui.record() as trace:
        steps_of(net, sgd(net.parameters()), 60)
        assert not trace.findings
    assert kinds(trace) == ["unstepped-parameter"]
    assert len(trace.notices) == 1


def test_blocks_whose_all_is_hidden_and_parameters_in_a_dict_are_found_too() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scales = {"a": nn.Parameter(torch.ones(4)), "b": nn.Parameter(torch.ones(4))}

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.scales["a"] * self.scales["b"]

    net = nn.Sequential(Block(), nn.Linear(4, 1))
    with gradtui.record() as trace:
        steps_of(net, sgd(net.parameters()))
    assert kinds(trace) == ["unstepped-parameter"]
    assert "net.0.scales['a']" in trace.findings[0].message


def given_to_the_optimizer() -> None:
    net = Layers()
    steps_of(net, sgd([*net.parameters(), *net.hidden]))


def of_another_optimizer_made_late() -> None:
    net, others = Layers(), []

    def after(i: int) -> None:
        if i == 3:
            others.append(sgd(net.hidden))
        for other in others:
            other.step()
            other.zero_grad()

    steps_of(net, sgd(net.parameters()), 8, after)


def joining_a_group_late() -> None:
    net = Layers()
    optimizer = sgd(net.parameters())
    steps_of(
        net, optimizer, 8, lambda i: optimizer.add_param_group({"params": net.hidden}) if i == 4 else None
    )


def stepped_by_hand() -> None:
    net = Layers()

    def after(_: int) -> None:
        for p in net.hidden:
            p.data -= 0.1 * p.grad  # type: ignore[operator]
            p.grad = None

    steps_of(net, sgd(net.parameters()), 6, after)


def cleared_by_hand() -> None:
    """Their gradient is looked at and cleared: an analysis of layers that are meant to stay."""
    net = Layers()
    steps_of(
        net, sgd(net.parameters()), 6, lambda _: [p.grad.zero_() for p in net.hidden if p.grad is not None]
    )


def one_hidden_on_purpose() -> None:
    net = Layers(1)
    steps_of(net, sgd(net.parameters()))


def frozen() -> None:
    net = Layers()
    for p in net.hidden:
        p.requires_grad_(False)
    steps_of(net, sgd(net.parameters()))


def head_of_a_body_that_stays() -> None:
    body = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
    net = nn.Sequential(body, nn.Linear(4, 1))
    steps_of(net, sgd(net[1].parameters()))


def image_of_style_transfer() -> None:
    """The net's gradients pile up, and nobody minds: it is the image that is stepped."""
    net, image = Layers(), nn.Parameter(torch.randn(5, 4))
    optimizer = torch.optim.LBFGS([image])

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss: torch.Tensor = net(image).pow(2).mean()
        loss.backward()
        return loss

    for _ in range(5):
        optimizer.step(closure)


def points_of_an_equation() -> None:
    """The derivative by the input is a part of the loss; what comes to the input itself piles up."""
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    net.points = torch.randn(5, 4, requires_grad=True)  # type: ignore[assignment]
    optimizer = sgd(net.parameters())
    for _ in range(6):
        optimizer.zero_grad()
        out = net(net.points)
        (slope,) = torch.autograd.grad(out.sum(), net.points, create_graph=True)
        (slope - out).pow(2).mean().backward()
        optimizer.step()


def adversarial_inputs_and_prompt() -> None:
    net, prompt = nn.Linear(4, 1), torch.zeros(4, requires_grad=True)
    optimizer = sgd(net.parameters())
    for _ in range(6):
        x = torch.randn(5, 4, requires_grad=True)
        net(x + prompt).pow(2).mean().backward()
        optimizer.zero_grad()
        assert x.grad is not None
        net((x + 0.1 * x.grad.sign()).detach() + prompt).pow(2).mean().backward()
        optimizer.step()
        prompt.data -= 0.1 * prompt.grad  # type: ignore[operator]
        prompt.grad = None


def inner_weights_of_a_meta_model() -> None:
    net = Layers()
    meta = sgd([*net.parameters(), *net.hidden])
    for _ in range(4):
        meta.zero_grad()
        weights = dict(net.head.named_parameters())
        h = net.layers[0](torch.randn(5, 4))
        loss = torch.func.functional_call(net.head, weights, (h,)).pow(2).mean()
        grads = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
        fast = {name: w - 0.1 * g for (name, w), g in zip(weights.items(), grads)}
        h = net.layers[1](net.layers[0](torch.randn(5, 4)))
        torch.func.functional_call(net.head, fast, (h,)).pow(2).mean().backward()
        meta.step()


@pytest.mark.parametrize(
    "program",
    [
        given_to_the_optimizer, of_another_optimizer_made_late, joining_a_group_late, stepped_by_hand,
        cleared_by_hand, one_hidden_on_purpose, frozen, head_of_a_body_that_stays, image_of_style_transfer,
        points_of_an_equation, adversarial_inputs_and_prompt, inner_weights_of_a_meta_model,
    ],
)  # fmt: skip
def test_what_is_meant_to_have_no_optimizer_is_left_alone(program: Callable[[], None]) -> None:
    with gradtui.record() as trace:
        program()
    assert trace.findings == []


# ------------------------------------------------------------------ empty steps


@pytest.mark.parametrize("to_none", [True, False])
@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.AdamW])
def test_a_reset_before_the_step_is_told_with_both_lines(kind: Any, to_none: bool) -> None:
    net = nn.Linear(4, 1)
    optimizer = kind(net.parameters(), lr=0.1)
    with gradtui.record() as trace:
        for _ in range(30):
            net(torch.randn(5, 4)).pow(2).mean().backward()
            optimizer.zero_grad(set_to_none=to_none)
            optimizer.step()
    (finding,) = [f for f in trace.findings if f.kind == "empty-step"]
    line = test_a_reset_before_the_step_is_told_with_both_lines.__code__.co_firstlineno + 8
    assert (finding.culprit or "").endswith(f"test_optimizers.py:{line}")
    assert f"test_optimizers.py:{line + 1} " in finding.message
    assert len(trace.notices) == 1


def skipped(net: nn.Module, x: torch.Tensor) -> Iterator[None]:
    """The first steps are left out by clearing what would be used."""
    optimizer = sgd(net.parameters())
    for i in range(30):
        net(x).pow(2).mean().backward()
        if i < 25:
            optimizer.zero_grad()
        optimizer.step()
        optimizer.zero_grad()
        yield


def critic_that_waits(net: nn.Module, x: torch.Tensor) -> Iterator[None]:
    """Its optimizer steps from the first pass on, and it learns from the fifth."""
    made = nn.Linear(4, 4)
    of_critic, of_made = sgd(net.parameters()), sgd(made.parameters())
    for i in range(8):
        net(made(x)).mean().backward()
        of_made.step()
        of_made.zero_grad()
        of_critic.zero_grad()
        if i > 4:
            net(made(x).detach()).pow(2).mean().backward()
        of_critic.step()
        yield


def put_back(net: nn.Module, x: torch.Tensor) -> Iterator[None]:
    """Gradients are taken out, changed and put back."""
    optimizer = sgd(net.parameters())
    for _ in range(5):
        net(x).pow(2).mean().backward()
        taken = [p.grad for p in net.parameters()]
        optimizer.zero_grad()
        for p, g in zip(net.parameters(), taken):
            p.grad = g.sign() if g is not None else None
        optimizer.step()
        optimizer.zero_grad()
        yield


def asked_for(net: nn.Module, x: torch.Tensor) -> Iterator[None]:
    """`torch.autograd.grad` fills no `.grad`."""
    optimizer = sgd(net.parameters())
    for _ in range(5):
        for p in net.parameters():
            p.grad = None
        grads = torch.autograd.grad(net(x).pow(2).mean(), list(net.parameters()))
        with torch.no_grad():
            for p, g in zip(net.parameters(), grads):
                p -= 0.1 * g
        optimizer.step()
        yield


def inside_the_pass(net: nn.Module, x: torch.Tensor) -> Iterator[None]:
    own = {p: sgd([p]) for p in net.parameters()}

    def update(p: torch.Tensor) -> None:
        own[p].step()
        own[p].zero_grad()

    for p in own:
        p.register_post_accumulate_grad_hook(update)
    for _ in range(5):
        net(x).pow(2).mean().backward()
        yield


def clears_itself(net: nn.Module, x: torch.Tensor) -> Iterator[None]:
    class Clears(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            out = super().step(closure)
            self.zero_grad()
            return out

    optimizer = Clears(net.parameters(), lr=0.1)
    for _ in range(5):
        net(x).pow(2).mean().backward()
        optimizer.step()
        yield


@pytest.mark.parametrize(
    "training", [skipped, critic_that_waits, put_back, asked_for, inside_the_pass, clears_itself]
)
def test_right_training_loops_have_no_empty_step(training: Any) -> None:
    with gradtui.record() as trace:
        for _ in training(nn.Linear(4, 1), torch.randn(5, 4)):
            pass
    assert kinds(trace) == []


def test_no_hook_is_kept() -> None:
    from torch.optim import optimizer as optimizers

    before = len(optimizers._global_optimizer_pre_hooks)
    net = nn.Linear(4, 1)
    optimizer = sgd(net.parameters())
    with gradtui.record() as trace:
        for _ in range(3):
            net(torch.randn(5, 4)).pow(2).mean().backward()
            optimizer.zero_grad()
            optimizer.step()
    assert kinds(trace) == ["empty-step"]
    assert len(optimizers._global_optimizer_pre_hooks) == before


# ------------------------------------------------------------------- replaced


def replaced_by(replace: Callable[[nn.Sequential], None]) -> Trace:
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = sgd(net.parameters())
    replace(net)
    with gradtui.record() as trace:
        steps_of(net, optimizer, 3)
    return trace


def test_a_replaced_layer_is_told_by_its_new_parameters_and_the_line() -> None:
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = sgd(net.parameters())
    net[2] = nn.Linear(8, 2)
    with gradtui.record() as trace:
        steps_of(net, optimizer, 3)
    (finding,) = trace.findings
    assert finding.kind == "unused-parameter"
    assert "has net.2.weight, net.2.bias now, put there at " in finding.message
    code = test_a_replaced_layer_is_told_by_its_new_parameters_and_the_line.__code__
    assert (finding.culprit or "").endswith(f"test_optimizers.py:{code.co_firstlineno + 3}")


def test_where_no_statement_is_known_none_is_named() -> None:
    trace = replaced_by(lambda model: setattr(model, "2", nn.Linear(8, 2)))
    (finding,) = trace.findings
    assert "has net.2.weight, net.2.bias now, which get gradients" in finding.message
    assert finding.culprit is None


def test_what_another_optimizer_holds_is_not_said_to_be_left_out() -> None:
    others = []

    def replace(model: nn.Sequential) -> None:
        new = nn.Linear(8, 2)
        setattr(model, "2", new)
        others.append(sgd(new.parameters()))

    trace = replaced_by(replace)
    assert kinds(trace) == ["unused-parameter"]
    assert "get gradients" not in trace.findings[0].message


def test_looking_for_hidden_parameters_runs_none_of_the_programs_code() -> None:
    class Shuffled(list):  # type: ignore[type-arg]
        def __iter__(self) -> Any:
            raise AssertionError("somebody looks")

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 1)
            self.data = Shuffled([torch.randn(2)] * 3)
            self.gone = [weakref.proxy(nn.Linear(1, 1)), weakref.proxy(nn.Linear(1, 1))]

    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with gradtui.record() as trace:
        for _ in range(4):
            optimizer.zero_grad()
            net.layer(torch.ones(2)).sum().backward()
            optimizer.step()
    assert not trace.notices
    assert not trace.findings
