"""The steps shown are those that torch's engine took, however a pass is called."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from tensors import network, nodes_below, values
from torch.utils.checkpoint import checkpoint

import gradtui
from gradtui.trace import cursor, query

# ---------------------------------------------------------------- the real steps


def test_steps_are_the_engines_own() -> None:
    net, x = network()
    loss = (net(x) ** 2).mean() + net[0].weight.sum()
    order: list[tuple[str, list[Any], list[Any]]] = []
    handles = []
    for node in nodes_below(loss):

        def hook(sent: Any, received: Any, node: Any = node) -> None:
            order.append(
                (
                    node.name(),
                    [g.tolist() for g in received],
                    [None if g is None else g.tolist() for g in sent],
                )
            )

        handles.append(node.register_hook(hook))
    loss.backward(retain_graph=True)
    for handle in handles:
        handle.remove()
    net.zero_grad()
    with gradtui.record() as trace:
        loss.backward()
    (run,) = trace.passes
    assert [s.node.op for s in run.steps] == [name.rpartition("::")[2] for name, _, _ in order]
    for step, (name, received, sent) in zip(run.steps, order):
        assert [flat(r) for r in received] == [values(r) for r in step.message.received]
        if "AccumulateGrad" not in name:
            ours = [None if s is None else values(s.value) for s in step.message.sent]
            assert ours == [None if s is None else flat(s) for s in sent]


def flat(x: Any) -> list[float]:
    return [y for item in x for y in flat(item)] if isinstance(x, list) else [x]


def test_leaves_before_and_after_over_two_passes() -> None:
    w = torch.tensor([2.0, -1.0], requires_grad=True)
    with gradtui.record() as trace:
        (w**2).sum().backward()
        (w**2).sum().backward()
    first, second = [run.leaves["w"] for run in trace.passes]
    assert (first.before, values(first.added), values(first.after)) == (None, [4.0, -2.0], [4.0, -2.0])
    assert (values(second.before), values(second.added), values(second.after)) == (
        [4.0, -2.0],
        [4.0, -2.0],
        [8.0, -4.0],
    )
    assert first.node.id == second.node.id
    assert trace.passes[1].before == {first.node.id: second.before}


def test_in_place_and_user_hooks_show_between_sent_and_received() -> None:
    w = torch.tensor(1.0, requires_grad=True)
    with gradtui.record() as trace:
        y = w * 2
        y.register_hook(lambda g: g * 5)
        (y + 1).backward()
    add, mul, _ = trace.passes[0].steps
    assert values(add.message.sent[0].value) == [1.0]
    assert values(mul.message.received[0]) == [5.0]
    assert w.grad.item() == 10.0


def test_post_accumulate_hooks_that_take_the_gradient_away() -> None:
    w = torch.tensor([1.0], requires_grad=True)
    w.register_post_accumulate_grad_hook(lambda p: setattr(p, "grad", None))
    with gradtui.record() as trace:
        (w * 3).sum().backward()
    assert w.grad is None
    leaf = trace.passes[0].leaves["w"]
    assert (values(leaf.added), leaf.after) == ([3.0], None)


# ------------------------------------------------------------------ ways to call


def test_grad_of_inputs() -> None:
    x = torch.tensor(3.0, requires_grad=True)
    with gradtui.record() as trace:
        y = x**2
        (gx,) = torch.autograd.grad(y * 2, [x])
        (gy,) = torch.autograd.grad(y * 2, [y])
    assert (gx.item(), gy.item(), x.grad) == (12.0, 2.0, None)
    assert [run.began.kind for run in trace.passes] == ["grad", "grad"]
    assert trace.passes[0].leaves["x"].after is None


def test_backward_with_inputs_leaves_the_others_alone() -> None:
    a = torch.tensor(2.0, requires_grad=True)
    b = torch.tensor(5.0, requires_grad=True)
    with gradtui.record() as trace:
        (a * b).backward(inputs=[a])
    assert (a.grad.item(), b.grad) == (5.0, None)
    run = trace.passes[0]
    assert (values(run.leaves["a"].after), run.leaves["b"].after) == ([5.0], None)


def test_several_roots() -> None:
    a = torch.tensor(2.0, requires_grad=True)
    with gradtui.record() as trace:
        p, q = a * 3, a**2
        torch.autograd.backward([p, q])
    run = trace.passes[0]
    assert len(run.began.roots) == 2
    assert values(run.leaves["a"].after) == [7.0] == [a.grad.item()]


def test_a_root_that_is_no_scalar() -> None:
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    with gradtui.record() as trace:
        y = a * 3
        y.backward(torch.tensor([1.0, 10.0]))
    step = trace.passes[0].steps[0]
    assert values(step.message.received[0]) == [1.0, 10.0]
    assert values(trace.passes[0].leaves["a"].after) == [3.0, 30.0]


def test_a_leaf_as_root() -> None:
    a = torch.tensor(1.0, requires_grad=True)
    with gradtui.record() as trace:
        a.backward()
    assert [s.node.op for s in trace.passes[0].steps] == ["AccumulateGrad"]
    assert a.grad.item() == 1.0


def test_a_retained_graph_keeps_its_ids() -> None:
    a = torch.tensor(2.0, requires_grad=True)
    with gradtui.record() as trace:
        y = (a * a).tanh()
        y.backward(retain_graph=True)
        y.backward()
    first, second = trace.passes
    assert list(first.nodes) == list(second.nodes)
    assert [n.name for n in first.nodes.values()] == [n.name for n in second.nodes.values()]


def test_double_backward() -> None:
    x = torch.tensor(3.0, requires_grad=True)
    with gradtui.record() as trace:
        (g,) = torch.autograd.grad(x**3, x, create_graph=True)
        g.backward()
    assert x.grad.item() == 18.0
    assert len(trace.passes) == 2
    assert values(trace.passes[1].leaves["x"].after) == [18.0]
    assert trace.notices == []


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoint(reentrant: bool) -> None:
    net, x = network()
    x.requires_grad_()
    calls = []

    def block(v: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return net[1](net[0](v))

    def run() -> list[torch.Tensor]:
        net.zero_grad()
        checkpoint(block, x, use_reentrant=reentrant).sum().backward()
        return [p.grad.clone() for p in net[0].parameters()]

    plain = run()
    forwards = len(calls)
    with gradtui.record() as trace:
        watched = run()
    assert len(calls) == 2 * forwards  # reading what was saved ran no forward of its own
    assert all(torch.equal(a, b) for a, b in zip(plain, watched))
    assert trace.passes[0].steps
    assert trace.notices == []


def test_a_function_of_the_users_own() -> None:
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
            return g * 2

    x = torch.tensor([1.0], requires_grad=True)
    with gradtui.record() as trace:
        y = Twice.apply(x)
        y.sum().backward()
    run = trace.passes[0]
    assert [s.node.op for s in run.steps] == ["SumBackward0", "TwiceBackward", "AccumulateGrad"]
    node = run.steps[1].node
    assert node.name == "y"
    assert "Twice.apply(x)" in trace.text_of(trace.line_of(node.stack))
    assert isinstance(Twice.__dict__.get("apply", torch.autograd.Function.__dict__["apply"]), classmethod)


def test_a_function_whose_backward_runs_a_pass() -> None:
    class Inner(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
            with torch.enable_grad():
                y = torch.tensor(1.0, requires_grad=True)
                (y * 2).backward()
            return g * y.grad

    x = torch.tensor(1.0, requires_grad=True)
    with gradtui.record() as trace:
        Inner.apply(x).backward()
    assert x.grad.item() == 2.0
    assert [len(run.steps) for run in trace.passes] == [2, 2]


def test_a_pass_in_another_thread() -> None:
    w = torch.ones(2, requires_grad=True)
    with gradtui.record() as trace:
        loss = (w * 3).sum()
        thread = threading.Thread(target=loss.backward)
        thread.start()
        thread.join()
    assert w.grad.tolist() == [3.0, 3.0]
    assert [len(run.steps) for run in trace.passes] == [3]


@pytest.mark.parametrize("repeats", [1, 40])  # of few nodes more is read than of many
def test_norms_are_those_of_the_tensors_also_of_views(repeats: int) -> None:
    """A tensor known by its memory, or again by itself, is summarised as if it had been read."""
    torch.manual_seed(0)
    layers = torch.nn.ModuleList(torch.nn.Linear(80, 80) for _ in range(repeats))
    x = torch.randn(70, 80)
    for layer in layers:
        x = layer(x).t().reshape(80, 70).t() + x
    loss = (x.reshape(-1, 7).permute(1, 0) ** 2).sum()
    seen: list[list[float | None]] = []
    for node in nodes_below(loss):
        if not hasattr(node, "variable"):
            node.register_hook(
                lambda sent, _: seen.append([g if g is None else g.norm().item() for g in sent])
            )
    with gradtui.record() as trace:
        loss.backward()
    told = [
        [None if s is None else s.value.norm for s in step.sent]
        for step in trace.passes[0].steps
        if not step.node.leaf
    ]
    assert len(told) == len(seen)
    for ours, theirs in zip(told, seen):
        pairs = [(a, b) for a, b in zip(ours, theirs) if a is not None]
        assert all(a == pytest.approx(b, rel=1e-5) for a, b in pairs)
    for leaf in trace.passes[0].leaves.values():
        assert leaf.after.norm == pytest.approx(leaf.added.norm, rel=1e-5)


def test_a_leaf_that_two_threads_share_is_told_of_in_the_pass_that_reached_it() -> None:
    """The second pass runs while the first is under way; the leaf's node belongs to both."""
    w = torch.ones(3, requires_grad=True)
    inside, done = threading.Event(), threading.Event()

    def wait(_: torch.Tensor) -> None:
        inside.set()
        assert done.wait(30)

    def second() -> None:
        assert inside.wait(30)
        (w * 10).sum().backward()
        done.set()

    doubled = w * 2
    doubled.register_hook(wait)
    other = threading.Thread(target=second)
    with gradtui.record() as trace:
        other.start()
        doubled.sum().backward()
        other.join()
    for watched in trace.passes:
        assert [step.op for step in watched.steps] == ["SumBackward0", "MulBackward0", "AccumulateGrad"]
    assert w.grad.tolist() == [12.0] * 3


def test_a_leaf_that_a_pass_inside_a_pass_shares_is_told_of_once_in_each() -> None:
    w = torch.ones(3, requires_grad=True)

    def inner(_: torch.Tensor) -> None:
        with torch.enable_grad():
            (w * 10).sum().backward()

    doubled = w * 2
    doubled.register_hook(inner)
    with gradtui.record() as trace:
        doubled.sum().backward()
    for watched in trace.passes:
        assert [step.op for step in watched.steps] == ["SumBackward0", "MulBackward0", "AccumulateGrad"]
    assert w.grad.tolist() == [12.0] * 3


def test_a_search_goes_on_in_the_order_of_the_pass() -> None:
    net = torch.nn.Sequential(*[torch.nn.Linear(2, 2) for _ in range(4)])
    with gradtui.record() as trace:
        net(torch.ones(1, 2)).sum().backward()
    shown = trace.passes[0]
    found = query.in_order(shown, query.matching(trace, shown, "addmm"))
    steps = [shown.runs[node][0] for node in found]
    assert len(found) == 4
    assert steps == sorted(steps)
    assert query.next_of(shown, found, None, 0) == 0
    assert query.next_of(shown, found, None, steps[1]) == 2
    assert query.next_of(shown, found, None, len(shown.steps)) == 0
    assert [query.next_of(shown, found, found[i], 0) for i in range(4)] == [1, 2, 3, 0]


def test_the_end_of_a_pass_is_a_step_to_go_to() -> None:
    w = torch.ones(3, requires_grad=True)
    with gradtui.record() as trace:
        for _ in range(2):
            w.sum().backward()
    here = cursor.Cursor(2, 0)
    assert cursor.parse(trace, "1:end", here) == cursor.Cursor(1, 2)
    assert cursor.parse(trace, "end", here) == cursor.Cursor(2, 2)


def test_a_pass_begun_in_a_hook_of_the_root_is_not_taken_for_this_one() -> None:
    w = torch.ones(3, requires_grad=True)
    inner = (w * 2).sum()
    loss = (w - 1).sqrt().sum()
    loss.register_hook(lambda _: inner.backward())
    with gradtui.record() as trace:
        loss.backward()
    assert [len(run.steps) for run in trace.passes] == [4, 3]
    assert [finding.kind for finding in trace.findings] == ["nonfinite"]


@pytest.mark.parametrize("count", [3, 100])
@pytest.mark.parametrize("afterwards", [False, True])
def test_what_a_leafs_hook_writes_behind_torchs_back_is_seen(count: int, afterwards: bool) -> None:
    def after(p: torch.Tensor) -> None:
        assert p.grad is not None
        p.grad.data.zero_()

    def before(gradient: torch.Tensor) -> None:
        gradient.data.zero_()

    w = torch.nn.Parameter(torch.full((count,), 5.0))
    if afterwards:
        w.register_post_accumulate_grad_hook(after)
    else:
        w.register_hook(before)
    with gradtui.record() as trace:
        (w * torch.full((count,), 7.0)).sum().backward()
    told = trace.passes[0].leaves["w"]
    assert told.after.norm == 0
    assert told.added.norm == pytest.approx(7 * count**0.5 if afterwards else 0)


def test_a_pass_over_one_root_begun_in_a_hook_of_the_other_is_another_pass() -> None:
    w = torch.ones(3, requires_grad=True)
    first, second = (w * 3).sum(), (w * 2).sum()
    first.register_hook(lambda _: second.backward(retain_graph=True))
    with gradtui.record() as trace:
        torch.autograd.backward([first, second], retain_graph=True)
    assert [len(run.steps) for run in trace.passes] == [5, 3]
