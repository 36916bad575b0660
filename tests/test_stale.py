"""`stale-gradient`: found where a used gradient is added to and used again, silent where nothing is used twice."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import micrograd.engine
import pytest
import torch
from running import headless
from torch import nn

import gradtui
from gradtui.probe.pytorch.leaves import TorchLeaf
from gradtui.probe.pytorch.summaries import read
from gradtui.scalar import Value
from gradtui.trace import Trace


def found(trace: Trace) -> list[tuple[str, int]]:
    return [(finding.kind, finding.pass_number) for finding in trace.findings]


def loss_of(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    loss: torch.Tensor = model(x).pow(2).mean()
    return loss


@pytest.fixture
def x() -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randn(8, 4)


# ------------------------------------------------------------------------- found


@pytest.mark.parametrize("how", ["sgd", "adam", "hand"])
def test_a_forgotten_zero_grad_is_found_in_the_second_pass_at_its_backward_line(how: str) -> None:
    run = headless("trains.py", how)
    (finding,) = run.of_type("finding")
    assert (finding["kind"], finding["pass"], finding["name"]) == ("stale-gradient", 2, "w")
    assert finding["culprit"].endswith("trains.py:17")
    step = next(s for s in run.of_type("step") if s["pass"] == 2 and s["step"] == finding["step"])
    assert step["accumulated"]["before"]["values"] == [4.0, -2.0]


def test_two_passes_are_enough_for_it_is_looked_for_at_the_end_too() -> None:
    (finding,) = headless("trains.py", "hand", "2").of_type("finding")
    assert finding["pass"] == 2


def test_parameters_of_a_function_that_has_returned_are_looked_at_too(x: torch.Tensor) -> None:
    def train() -> None:
        model = nn.Linear(4, 3)
        for _ in range(2):
            loss_of(model, x).backward()
            with torch.no_grad():
                for p in model.parameters():
                    p -= 0.1 * p.grad

    with gradtui.record() as trace:
        train()
    assert found(trace) == [("stale-gradient", 2)]
    assert "(and 1 leaf more)" in trace.findings[0].message


def test_an_update_that_only_an_optimizer_sees_before_the_reset(x: torch.Tensor) -> None:
    """step, then zero_grad: by the next pass nothing is left to see."""
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with gradtui.record() as trace:
        loss_of(model, x).backward()
        optimizer.step()
        loss_of(model, x).backward()  # added to what has been used
        optimizer.step()
        optimizer.zero_grad()
        loss_of(model, x).backward()
    assert found(trace) == [("stale-gradient", 2)]


@pytest.mark.parametrize("way", [0, 1, 2])
def test_weight_noise_does_not_hide_a_forgotten_reset(way: int, x: torch.Tensor) -> None:
    model = nn.Linear(4, 4)
    optimizer = [torch.optim.SGD, torch.optim.Adam, torch.optim.LBFGS][way](model.parameters(), lr=0.01)

    def closure() -> torch.Tensor:
        with torch.no_grad():
            model.weight.add_(0.1)
        loss = loss_of(model, x)
        loss.backward()
        with torch.no_grad():
            model.weight.sub_(0.1)
        return loss

    with gradtui.record() as trace:
        for _ in range(3):
            optimizer.step(closure)
    assert [kind for kind, _ in found(trace)] == ["stale-gradient"]


def test_a_change_too_small_for_the_norm_is_seen_by_the_bits() -> None:
    w = torch.full((100_000,), 1.0, requires_grad=True)
    with gradtui.record() as trace:
        for _ in range(3):
            (w * w).sum().backward()
            with torch.no_grad():
                w.data[7] += 1e-6
    assert [p.used for p in trace.passes][2], "the third pass enters with a used gradient"


@pytest.mark.parametrize("engine", [micrograd.engine.Value, Value])
def test_a_scalar_training_loop_without_zeroing(engine: type) -> None:
    with gradtui.record(twin=False) as trace:
        w = engine(2.0)
        for _ in range(3):
            loss = w * w
            loss.backward()
            w.data -= 0.1 * w.grad
    (finding,) = trace.findings
    assert (finding.kind, finding.pass_number, finding.name) == ("stale-gradient", 2, "w")
    assert finding.culprit is not None
    assert finding.culprit.startswith("tests/test_stale.py:")


def test_an_inner_node_that_kept_its_gradient_is_found_where_it_passes_it_on() -> None:
    with gradtui.record() as trace:
        a = micrograd.engine.Value(2.0)
        y = a * 3 * a
        y.backward()
        y.backward()
    (finding,) = trace.findings
    assert (finding.kind, finding.pass_number, finding.name) == ("stale-gradient", 2, "a*3")
    assert "2 in its grad" in finding.message
    assert "passed on 4, where this pass sent it 2" in finding.message


def test_the_root_of_a_graph_whose_seed_is_added() -> None:
    class Adds(micrograd.engine.Value):  # type: ignore[misc]
        def backward(self) -> None:
            self.grad += 1
            self._backward()

    with gradtui.record() as trace:
        a = Adds(2.0)
        y = Adds(a.data * 3, (a,), "+")

        def backward() -> None:
            a.grad += y.grad

        y._backward = backward
        y.backward()
        y.backward()
    assert "stale-gradient" in {finding.kind for finding in trace.findings}


# ------------------------------------------------------------------------ silent


@pytest.mark.parametrize("how", ["sgd-before", "sgd-before-fill", "sgd-after", "adam-before", "hand-after"])
def test_a_loop_that_zeroes_has_no_finding(how: str) -> None:
    run = headless("trains.py", how)
    assert run.of_type("finding") == []
    assert not any(held["used"] for line in run.of_type("pass") for held in line.get("held", []))


def micro_batches(model: nn.Module, x: torch.Tensor) -> Iterator[None]:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        for part in x.split(2):
            loss_of(model, part).backward()
        optimizer.step()
        yield


def clipped(model: nn.Module, x: torch.Tensor) -> Iterator[None]:
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(3):
        loss_of(model, x).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.01)
        optimizer.step()
        optimizer.zero_grad()
        yield


def gan(model: nn.Module, x: torch.Tensor) -> Iterator[None]:
    """The generator's pass adds to the discriminator's used gradients, which are zeroed before its own."""
    generator = nn.Linear(4, 4)
    of_generator = torch.optim.SGD(generator.parameters(), lr=0.1)
    of_discriminator = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        of_discriminator.zero_grad()
        loss_of(model, x).backward()
        loss_of(model, generator(x).detach()).backward()
        of_discriminator.step()
        of_generator.zero_grad()
        (-loss_of(model, generator(x))).backward()
        of_generator.step()
        yield


def step_in_backward(model: nn.Module, x: torch.Tensor) -> Iterator[None]:
    """An optimizer per parameter that steps and zeroes inside the pass."""
    own = {parameter: torch.optim.SGD([parameter], lr=0.1) for parameter in model.parameters()}

    def update(parameter: torch.Tensor) -> None:
        own[parameter].step()
        own[parameter].zero_grad()

    for parameter in own:
        parameter.register_post_accumulate_grad_hook(update)
    for _ in range(3):
        loss_of(model, x).backward()
        yield


def frozen_average(model: nn.Module, x: torch.Tensor) -> Iterator[None]:
    """A moving average moves by hand and has no gradient."""
    average = nn.Linear(4, 4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        loss_of(model, x).backward()
        optimizer.step()
        with torch.no_grad():
            for mean, now in zip(average.parameters(), model.parameters()):
                mean.lerp_(now, 0.1)
        yield


def weight_noise(model: nn.Module, x: torch.Tensor) -> Iterator[None]:
    """Noise is added for each micro-batch and taken away again: the weights move, and no gradient is used."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        for part in x.split(2):
            noise = [torch.randn_like(p) for p in model.parameters()]
            with torch.no_grad():
                torch._foreach_add_(list(model.parameters()), noise)
            loss_of(model, part).backward()
            with torch.no_grad():
                torch._foreach_sub_(list(model.parameters()), noise)
        optimizer.step()
        optimizer.zero_grad()
        yield


def line_search(model: nn.Module, x: torch.Tensor) -> Iterator[None]:
    """LBFGS calls its closure many times inside one step."""
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = loss_of(model, x)
        loss.backward()
        return loss

    for _ in range(2):
        optimizer.step(closure)
        yield


@pytest.mark.parametrize(
    "training",
    [micro_batches, clipped, gan, step_in_backward, frozen_average, weight_noise, line_search],
)
def test_right_training_loops_are_silent(training, x: torch.Tensor) -> None:  # type: ignore[no-untyped-def]
    with gradtui.record() as trace:
        for _ in training(nn.Linear(4, 4), x):
            pass
    assert trace.findings == []


def test_a_gradient_that_only_accumulates_is_held_but_not_used() -> None:
    p = torch.tensor(2.0, requires_grad=True)
    with gradtui.record() as trace:
        for _ in range(2):
            (p**2).backward()
    assert p.grad is not None
    assert p.grad.item() == 8
    second = trace.passes[1]
    (leaf,) = second.before
    assert second.came_from == {leaf: 1}
    assert second.used == {}
    assert trace.findings == []


def test_engines_that_reset_their_graph_in_backward() -> None:
    class Resets(micrograd.engine.Value):  # type: ignore[misc]
        def backward(self) -> None:
            todo = [self]
            while todo:
                node = todo.pop()
                if node._prev:
                    node.grad = 0
                todo += node._prev
            super().backward()

    with gradtui.record() as trace:
        a = Resets(2.0)
        y = a * a
        y.backward()
        y.backward()
    assert trace.findings == []


# --------------------------------------------------------------------- manners


def test_no_hook_and_no_tensor_is_kept(x: torch.Tensor) -> None:
    from torch.optim import optimizer as optimizers

    before = len(optimizers._global_optimizer_post_hooks)
    with gradtui.record() as trace:
        model = nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            loss_of(model, x).backward()
            optimizer.step()
        gone = weakref.ref(model.weight)
        del model, optimizer
        gc.collect()
        assert gone() is None
    assert trace.findings == []
    assert len(optimizers._global_optimizer_post_hooks) == before


def test_the_finding_is_reported_once_for_a_line() -> None:
    assert len(headless("trains.py", "sgd", "6").of_type("finding")) == 1


def test_what_is_held_stands_in_the_json() -> None:
    second = headless("trains.py", "sgd").of_type("pass")[1]
    (held,) = second["held"]
    assert (held["name"], held["from"], held["used"], held["value"]["values"]) == ("w", 1, True, [4.0, -2.0])


def test_the_message_says_the_numbers() -> None:
    w = torch.tensor(3.0, requires_grad=True)
    with gradtui.record() as trace:
        for _ in range(3):
            (w * w).backward()
            w.data -= 0.25 * w.grad
    assert trace.findings[0].message.startswith(
        "w.grad still held 6, the gradient of pass 1 that was used already: w has changed since. "
        "Pass 2 added 3 to it, and the sum 9 was used again"
    )


# ------------------------------------------------- what told them apart, one by one


def steps_of(model: nn.Module, x: torch.Tensor, count: int = 3) -> torch.optim.SGD:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(count):
        optimizer.zero_grad()
        loss_of(model, x).backward()
        optimizer.step()
    return optimizer


def test_a_value_that_is_loaded_or_clamped_uses_no_gradient_of_an_optimizers_leaf(x: torch.Tensor) -> None:
    critic, actor = nn.Linear(4, 4), nn.Linear(4, 4)
    best = {name: value.clone() for name, value in critic.state_dict().items()}
    with gradtui.record() as trace:
        steps_of(critic, x)
        loss_of(critic, actor(x)).backward()  # adds to the critic's used gradients; nobody steps it
        for p in critic.parameters():
            p.data.clamp_(-0.01, 0.01)
        critic.load_state_dict(best)
    assert trace.findings == []
    assert trace.passes[-1].used


def test_a_gradient_that_is_assigned_anew_is_a_reset(x: torch.Tensor) -> None:
    model = nn.Linear(4, 4)
    with gradtui.record() as trace:
        for _ in range(3):
            for p in model.parameters():
                p.grad = torch.ones_like(p)
            with torch.no_grad():
                for p in model.parameters():
                    p -= 0.1 * p.grad  # type: ignore[operator]
            loss_of(model, x).backward()
    assert trace.findings == []


def test_sparse_gradients_that_were_emptied_are_a_reset() -> None:
    table = nn.Embedding(10, 3, sparse=True)
    optimizer = torch.optim.SGD(table.parameters(), lr=0.1)
    with gradtui.record() as trace:
        for i in range(3):
            optimizer.zero_grad(set_to_none=False)
            table(torch.tensor([i, i + 1])).sum().backward()
            optimizer.step()
    assert trace.findings == []


def test_nan_is_no_change() -> None:
    w = torch.tensor([1.0, float("nan")], requires_grad=True)
    with gradtui.record() as trace:
        for _ in range(2):
            (w * 2).sum().backward()
    assert trace.passes[1].used == {}


def test_an_update_inside_the_pass_that_nobody_zeroes() -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)

    def update(p: torch.Tensor) -> None:
        p.data -= 0.1 * p.grad  # type: ignore[operator]

    w.register_post_accumulate_grad_hook(update)
    with gradtui.record() as trace:
        for _ in range(4):
            (w * w).sum().backward()
    assert found(trace) == [("stale-gradient", 2)]


def test_changes_that_a_plain_sum_would_not_tell() -> None:
    """Adam moves two entries by the same amount up and down; a permutation moves none out of the set."""
    w = torch.nn.Parameter(torch.full((200,), 1.5))
    with gradtui.record() as trace:
        for i in range(4):
            (w * torch.tensor([1.0, -1.0]).repeat(100)).sum().backward()
            w.data = w.data.flip(0) + (0.01 if i % 2 else -0.01)
    assert [bool(pass_.used) for pass_ in trace.passes] == [False, True, True, True]


def test_subclasses_of_parameter_and_conjugates_are_looked_at_too() -> None:
    class Named(nn.Parameter):
        pass

    w = Named(torch.tensor([1.0, 2.0]))
    z = torch.tensor([1 + 2j, 3 - 1j]).conj().requires_grad_()
    with gradtui.record() as trace:
        for _ in range(3):
            ((w * w).sum() + (z * z.conj()).real.sum()).backward()
            w.data -= 0.1 * w.grad  # type: ignore[operator]
            z.data -= 0.1 * z.grad  # type: ignore[operator]
    assert [notice.message for notice in trace.notices] == []
    assert len(trace.passes[2].used) == 2


def test_models_that_were_dropped_are_freed(x: torch.Tensor) -> None:
    gone = []
    with gradtui.record():
        for _ in range(3):
            critic, actor = nn.Linear(4, 4), nn.Linear(4, 4)
            steps_of(critic, x, 1)
            loss_of(critic, actor(x)).backward()
            gone.append(weakref.ref(critic.weight))
            del critic, actor
            gc.collect()
        steps_of(nn.Linear(4, 4), x, 1)
        gc.collect()
        assert [reference() for reference in gone] == [None] * 3


@pytest.mark.parametrize("side", [10, 64, 100])
@pytest.mark.parametrize("brief", [False, True])
def test_a_value_read_in_full_and_then_not_is_the_same(side: int, brief: bool) -> None:
    leaf = torch.randn(side, side, requires_grad=True)
    full, then = read(leaf, True), read(leaf, False, brief)
    assert not TorchLeaf(leaf, then, False).changed(TorchLeaf(leaf, full, False).mark())
    assert not TorchLeaf(leaf, full, False).changed(TorchLeaf(leaf, then, False).mark())
