"""What explanations say beside the kind and the lines: names, causes, what follows from what; and notices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from faults import FAULTS, recorded
from torch import nn
from torch.utils.checkpoint import checkpoint

from gradtui import record
from gradtui.trace import Trace


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("inplace_result", "needs h (its saved 'mat1')"),
        ("cut_anew", "belongs to no module is there instead (nn.Parameter(...) in the"),
        ("cut_random", "what is drawn at random has no slope"),
        ("cut_reentrant", "a checkpoint with use_reentrant=True, none of whose inputs requires a gradient"),
        ("nan_spread", "it is taken over 1 entry, and with a correction of 1 nothing is left to divide by"),
        ("nan_where", "there saved self is 0"),
        (
            "cut_student",
            "student.weight and 1 more are frozen at tests/programs/faults/cut_student.py:9, called at",
        ),
        ("replaced_forward", "the forward puts net.bias there, at"),
        (
            "unused_logged",
            "net.forgotten.weight, net.forgotten.bias, which it steps: its Linear was never called",
        ),
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


# --------------------------------------------------------------- what must not be said


def test_a_spread_over_a_dimension_counted_from_the_end_is_looked_at() -> None:
    with record() as trace:
        weight = torch.ones(3, 4, requires_grad=True)
        (torch.log((weight * 2).std(-1)) * 1.0).sum().backward()
    (finding,) = trace.findings
    assert "LogBackward0" in finding.message
    assert not [notice for notice in trace.notices if "gradtui could not" in notice.message]


@pytest.mark.filterwarnings("ignore:std")
def test_saved_tensor_hooks_of_the_program_are_not_run_for_a_spread() -> None:
    unpacked = []

    def unpack(tensor: torch.Tensor) -> torch.Tensor:
        unpacked.append(tensor)
        return tensor

    with record(), torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, unpack):
        loss = torch.ones(1, requires_grad=True).exp().std() * 2
        loss.register_hook(lambda _: 1 / 0)  # before the engine unpacks anything
        with pytest.raises(ZeroDivisionError):
            loss.backward()
    assert not unpacked


def test_a_leaf_of_infinities_that_the_loss_does_not_suffer_from_is_a_mask() -> None:
    with record() as trace:
        mask = torch.tensor([0.0, -torch.inf, 0.0], requires_grad=True)
        weight = torch.ones(3, requires_grad=True)
        (weight + mask).softmax(0).pow(2).sum().backward()
    assert not trace.findings


def test_a_parameter_that_is_bad_before_the_forward_is_told_with_who_changed_it() -> None:
    with record() as trace:
        weight = torch.ones(3, requires_grad=True)
        with torch.no_grad():
            weight[1] = torch.nan
        torch.where(torch.isnan(weight), torch.zeros(3), weight).sum().backward()
    (finding,) = trace.findings
    assert "weight is bad as the pass begins: 1 of 3 entries is not finite" in finding.message
    assert finding.culprit is not None


def test_a_draw_whose_probabilities_learn_another_way_is_no_cut() -> None:
    net = nn.Linear(4, 6)
    with record() as trace:
        logits = net(torch.randn(8, 4))
        action = torch.bernoulli(torch.sigmoid(logits))
        nn.functional.binary_cross_entropy_with_logits(logits, action).backward()
    assert not trace.findings


def test_an_unrolled_inner_loop_is_no_graph_that_grows() -> None:
    weight = torch.ones(3, requires_grad=True)
    with record() as trace:
        fast = weight * 1
        for _ in range(16):
            (step,) = torch.autograd.grad((fast**2).sum(), fast, create_graph=True)
            fast = fast - 0.1 * step
        fast.sum().backward()
    assert not notices(trace, "retain_graph")


def test_a_no_grad_inside_a_checkpoint_is_the_programs() -> None:
    body, head = nn.Linear(4, 8), nn.Linear(8, 2)
    optimizer = torch.optim.SGD([*body.parameters(), *head.parameters()], 1e-2)

    def part(x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            h = body(x)
        return head(h)

    with record() as trace:
        for _ in range(3):
            loss = checkpoint(part, torch.randn(8, 4), use_reentrant=False).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    (finding,) = trace.findings
    assert "cut off by torch.no_grad() at " in finding.message


def test_a_result_whose_operand_is_not_known_has_no_line_at_fault() -> None:
    with record() as trace:
        x = torch.zeros(4, 3)
        x[0, 0] = torch.nan
        (torch.ones(3, requires_grad=True) + x).exp().sum().backward()
    (finding,) = trace.findings
    assert finding.culprit is None
    assert finding.message.endswith("its own operands were not saved, and may have been bad before it")


def test_another_parameter_of_the_same_shape_is_not_taken_for_one_made_anew() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.unused = nn.Parameter(torch.randn(4))
            self.fc = nn.Linear(4, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(x * nn.Parameter(torch.ones(4)))

    net = Net()
    with record() as trace:
        train(net, torch.optim.SGD(net.parameters(), 1e-2), lambda: torch.randn(5, 4), 3)
    (finding,) = trace.findings
    assert finding.kind == "unused-parameter"


def test_a_gradient_that_came_once_does_not_come_in_each_pass() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(net[0].parameters(), 1e-3)
    with record() as trace:
        net(torch.randn(5, 3)).sum().backward()
        for _ in range(8):
            optimizer.zero_grad()
            net[0](torch.randn(5, 3)).sum().backward()
            optimizer.step()
    assert not notices(trace, "no optimizer was given")


def test_only_what_was_changed_itself_is_named() -> None:
    with record() as trace:
        weight = torch.ones(3, requires_grad=True)
        a = weight * 2

        def part(x: torch.Tensor) -> torch.Tensor:
            t = torch.sigmoid(x)
            y = t * weight
            return y + t.add_(1).sum()

        with pytest.raises(RuntimeError, match="modified by an inplace"):
            part(a).sum().backward()
    (finding,) = trace.findings
    assert "needs a " not in finding.message
    assert "clone of a." not in finding.message + "."


def test_dead_units_of_another_net_are_told_though_one_has_exploded() -> None:
    huge = torch.ones(3, requires_grad=True)
    layer, other = nn.Linear(4, 8), nn.Linear(8, 1)
    nn.init.constant_(layer.bias, -50.0)
    with record() as trace:
        ((huge - 1) * 1e12).sum().backward()
        for _ in range(3):
            other(torch.relu(layer(torch.randn(16, 4)))).pow(2).mean().backward()
    assert {finding.kind for finding in trace.findings} == {"exploding", "dead-unit"}


class MakesNaN(torch.autograd.Function):
    """Of a gradient `g`, in the layout that is asked for."""

    @staticmethod
    def forward(ctx: Any, w: torch.Tensor, sparse: bool) -> torch.Tensor:
        ctx.sparse = sparse
        return w * 1

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> Any:
        if ctx.sparse:
            return torch.sparse_coo_tensor([[1]], torch.tensor([float("nan")]), (100,)), None
        return g * float("nan"), None


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize(
    ("dtype", "sparse", "says"),
    [
        (torch.complex64, False, "100 of 100 entries are not finite"),
        (torch.float32, True, "as it is stored, it is nan"),
    ],
)
def test_nan_is_told_of_gradients_of_every_kind(dtype: torch.dtype, sparse: bool, says: str) -> None:
    w = torch.nn.Parameter(torch.ones(100, dtype=dtype))
    with record() as trace:
        MakesNaN.apply(w, sparse).abs().sum().backward()
    (finding,) = trace.findings
    assert finding.kind == "nonfinite"
    assert says in finding.message
    assert len(trace.passes[0].steps) == len(trace.passes[0].nodes)
    assert not trace.notices


def test_a_step_is_told_though_its_explanation_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradtui.probe.explain.nonfinite._at_fault", {}.__getitem__)  # raises, as ours
    w = torch.zeros(3, requires_grad=True)
    with record() as trace:
        w.sqrt().sum().backward()
    assert len(trace.passes[0].steps) == 3
    assert [finding.kind for finding in trace.findings] == ["nonfinite"]
    assert any("could not look into" in notice.message for notice in trace.notices)


def test_a_bad_operand_without_a_gradient_is_called_by_its_variable() -> None:
    net, advantage = nn.Linear(3, 1), torch.tensor([float("nan")])
    with record() as trace:
        (net(torch.ones(1, 3))[:, 0] * advantage).mean().backward()
    (finding,) = trace.findings
    assert finding.message.startswith(
        "advantage (no gradient, saved as 'other') was bad already in the forward"
    )


def test_what_was_written_through_data_is_told_with_its_line() -> None:
    net = nn.Linear(2, 2)
    with record() as trace:
        net.bias.data.copy_(torch.tensor([0.0, float("inf")]))  # here
        (net(torch.ones(1, 2)) * 0).sum().backward()
    (finding,) = trace.findings
    assert "net.bias is bad as the pass begins" in finding.message
    assert finding.culprit is not None
    line = int(finding.culprit.rpartition(":")[2])
    assert Path(__file__).read_text().splitlines()[line - 1].endswith("# here")


@pytest.mark.parametrize(("entry", "told"), [(1.0000001, "1.00000012"), (2.0, "it is 2"), (1.5, "it is 1.5")])
def test_an_entry_just_beyond_a_bound_is_told_with_the_digits_that_matter(entry: float, told: str) -> None:
    with record() as trace:
        torch.tensor(entry, requires_grad=True).acos().backward()
    assert told in trace.findings[0].message


def test_an_optimizer_of_which_nothing_is_used_is_one_finding_that_says_what_is() -> None:
    def build() -> nn.Sequential:
        return nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2))

    model, ema = build(), build()
    optimizer = torch.optim.SGD(ema.parameters())
    with record() as trace:
        for _ in range(3):
            model(torch.ones(1, 2)).sum().backward()
            optimizer.step()
            model.zero_grad()
    (finding,) = trace.findings
    assert "their modules were never called" in finding.message
    assert (
        "gradients come to model.0.weight, model.0.bias, model.1.weight and 1 more, which no optimizer holds"
        in (finding.message)
    )


def test_one_line_that_goes_bad_on_two_ways_is_one_finding() -> None:
    p = torch.tensor([0.0, 0.5], requires_grad=True)
    with record() as trace:
        torch.where(p > 0, p * p.log(), 0.0).sum().backward()
    (finding,) = trace.findings
    assert finding.kind == "nonfinite"
