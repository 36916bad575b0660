"""torch's engine, seen through hooks: what is shown is what plain torch does, and nothing stays hooked."""

from __future__ import annotations

import builtins
import gc
import inspect
import io
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.autograd.graph as graph
from running import headless
from torch.utils.checkpoint import checkpoint

import gradtui
from gradtui.probe import names, torch_pass, torch_watcher
from gradtui.probe.forward import VALUES, ForwardMap
from gradtui.probe.output import ProgramOutput
from gradtui.probe.places import Places
from gradtui.probe.reporter import Reporter
from gradtui.trace import Pass
from gradtui.trace.chainrule import terms
from gradtui.wire.channel import MemoryChannel
from gradtui.wire.messages import Summary

HERE = __file__


def values(x: Any) -> Any:
    """The entries of a summary, None for None."""
    return None if x is None else list(x.values)


def nodes_below(root: torch.Tensor) -> list[Any]:
    found, stack, seen = [], [root.grad_fn], set()
    while stack:
        node = stack.pop()
        if node is not None and node not in seen:
            seen.add(node)
            found.append(node)
            stack.extend(f for f, _ in node.next_functions)
    return found


def network() -> tuple[torch.nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    return net, torch.randn(5, 3)


# -------------------------------------------------------------- the real steps


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


# ---------------------------------------------------------------- ways to call


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


# --------------------------------------------------------------- kinds of tensors


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
        table(torch.tensor([1, 4])).sum().backward()
    assert table.weight.grad.is_sparse
    assert trace.passes[0].leaves["table.weight"].after.note == "sparse"
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


# -------------------------------------------------------- exactly as without us


def programs() -> dict[str, Callable[[], list[torch.Tensor]]]:
    def mlp() -> list[torch.Tensor]:
        net, x = network()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        for _ in range(3):
            optimizer.zero_grad()
            (net(x) ** 2).mean().backward()
            optimizer.step()
        return [p.grad for p in net.parameters()] + list(net.parameters())

    def attention() -> list[torch.Tensor]:
        torch.manual_seed(1)
        layer = torch.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        x = torch.randn(2, 5, 8)
        layer(x).pow(2).sum().backward()
        return [p.grad for p in layer.parameters()]

    def recurrent() -> list[torch.Tensor]:
        torch.manual_seed(2)
        net = torch.nn.LSTM(3, 4)
        out, _ = net(torch.randn(6, 2, 3))
        out.sum().backward()
        return [p.grad for p in net.parameters()]

    def convolution() -> list[torch.Tensor]:
        torch.manual_seed(3)
        net = torch.nn.Sequential(
            torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.ReLU(), torch.nn.MaxPool2d(2)
        )
        net(torch.randn(2, 1, 8, 8)).sum().backward()
        return [p.grad for p in net.parameters()]

    return {f.__name__: f for f in (mlp, attention, recurrent, convolution)}


@pytest.mark.parametrize("name", programs())
def test_gradients_are_bit_equal(name: str) -> None:
    program = programs()[name]
    plain = program()
    with gradtui.record() as trace:
        watched = program()
    assert len(plain) == len(watched)
    assert all(a.detach().numpy().tobytes() == b.detach().numpy().tobytes() for a, b in zip(plain, watched))
    assert trace.passes
    assert trace.notices == []
    assert [f.message for f in trace.findings] == []


def state() -> tuple[Any, ...]:
    return (
        builtins.__build_class__,
        graph._engine_run_backward,
        torch.autograd._engine_run_backward,
        torch.autograd.Function.__dict__["apply"],
        torch._C._len_torch_function_stack(),
        torch._C._len_torch_dispatch_stack(),
        torch.is_grad_enabled(),
    )


class Broken(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
        raise ValueError("broken on purpose")


@pytest.mark.parametrize("raises", [False, True])
def test_everything_is_handed_back(raises: bool) -> None:
    before = state()
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = Broken.apply(x * 2) if raises else x * 2
    loss = (y**2).sum()
    calls: list[str] = []
    for node in nodes_below(loss):
        node.register_hook(lambda *_: calls.append("user"))

    error = ""
    with gradtui.record() as trace:
        try:
            loss.backward(retain_graph=True)
        except ValueError as raised:
            error = str(raised)
    assert state() == before
    assert error == ("broken on purpose" if raises else "")
    assert trace.passes[0].ended.error == (f"ValueError: {error}" if raises else None)
    assert [s.node.op for s in trace.passes[0].steps][:2] == ["SumBackward0", "PowBackward0"]
    gc.collect()
    # the graph lives on: a hook left on a node would keep its owner alive
    assert not [o for o in gc.get_objects() if type(o).__name__ in ("TorchPass", "ForwardMap")]
    users = len(calls)
    try:
        loss.backward()
    except ValueError:
        pass
    assert len(calls) == 2 * users


def test_a_pass_keeps_no_tensor_alive() -> None:
    def live() -> int:
        gc.collect()
        return sum(1 for o in gc.get_objects() if type(o) is torch.Tensor)

    w = torch.ones(3, requires_grad=True)
    with gradtui.record():
        (w * 2).sum().backward()
        before = live()
        for _ in range(5):
            ((w * 2).tanh() ** 2).sum().backward()
        assert live() == before


def test_the_twin_keeps_no_tensor_alive() -> None:
    from gradtui.scalar import Value

    with gradtui.record():
        for _ in range(3):
            a = Value(2.0)
            ((a * a).tanh() + a).backward()
        gc.collect()
        assert sum(1 for o in gc.get_objects() if type(o) is torch.Tensor and o.dtype == torch.float64) == 0


def test_an_error_inside_the_block_goes_through() -> None:
    before = state()
    with pytest.raises(ZeroDivisionError), gradtui.record():
        1 / 0  # noqa: B018
    assert state() == before


def test_a_pass_in_another_thread() -> None:
    w = torch.ones(2, requires_grad=True)
    with gradtui.record() as trace:
        loss = (w * 3).sum()
        thread = threading.Thread(target=loss.backward)
        thread.start()
        thread.join()
    assert w.grad.tolist() == [3.0, 3.0]
    assert [len(run.steps) for run in trace.passes] == [3]


def test_functional_gradients_are_left_alone() -> None:
    x = torch.tensor([1.0, 2.0])
    with gradtui.record(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        per_sample = torch.func.vmap(torch.func.grad(lambda v: v**2))(x)
    assert per_sample.tolist() == [2.0, 4.0]


# --------------------------------------------------------------------- names, lines


def line(text: str) -> int:
    """The number of the one line of this file that holds a text."""
    source = inspect.getsource(inspect.getmodule(line)).splitlines()
    (number,) = [i for i, row in enumerate(source, 1) if text in row and "line(" not in row]
    return number


def named(run: Pass, name: str) -> Any:
    return next(n for n in run.nodes.values() if n.name == name)


def test_names_and_lines_are_the_users_own() -> None:
    x1 = torch.tensor(2.0, requires_grad=True)
    w1 = torch.tensor(-3.0, requires_grad=True)
    weights = {"b": torch.tensor(1.0, requires_grad=True)}
    with gradtui.record() as trace:
        total = x1 * w1 + weights["b"]  # mark: total
        o = total.tanh()  # mark: tanh
        o.backward()
    (run,) = trace.passes
    assert set(run.leaves) == {"x1", "w1", "weights['b']"}
    assert named(run, "o").op == "TanhBackward0"
    assert trace.line_of(named(run, "o").stack).line == line("# mark: tanh")
    assert trace.line_of(named(run, "x1*w1").stack).line == line("# mark: total")
    assert named(run, "total").named
    assert not named(run, "x1*w1").named


def test_every_node_but_leaves_has_a_line_of_this_file() -> None:
    net, x = network()
    with gradtui.record() as trace:
        loss = (net(x) ** 2).mean()
        loss.backward()
    for node in trace.passes[0].nodes.values():
        if not node.leaf:
            assert "test_torch.py:" in trace.source_of(node)


def test_named_parameters_win() -> None:
    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = torch.nn.Linear(2, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.hidden(x)

    net = Net()
    w = net.hidden.weight
    parameters = list(net.parameters())
    with gradtui.record() as trace:
        net(torch.ones(2)).sum().backward()
    assert set(trace.passes[0].leaves) == {"net.hidden.weight", "net.hidden.bias"}
    assert w is parameters[0]


def test_a_graph_made_before_watching_says_so() -> None:
    x = torch.tensor(2.0, requires_grad=True)
    y = x * x
    with gradtui.record() as trace:
        y.backward()
    run = trace.passes[0]
    assert trace.source_of(run.root) is None
    assert values(run.leaves["x"].after) == [4.0]


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
    assert (trace.source_of(step.node) or "").endswith(f"test_torch.py:{line}")
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


def test_a_name_that_passed_to_another_leaf_is_not_kept() -> None:
    x = torch.tensor(1.0, requires_grad=True)
    with gradtui.record() as trace:
        (x * 2).backward()
        old = x
        x = torch.tensor(3.0, requires_grad=True)
        (old * x).backward()
        (old * x).backward()
    assert [set(run.leaves) for run in trace.passes] == [{"x"}, {"old", "x"}, {"old", "x"}]


def test_a_shadowed_name_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.tensor(1.0, requires_grad=True)

    def run(loss: torch.Tensor) -> None:
        x = [1]
        loss.backward()
        assert x

    with gradtui.record() as trace:
        (x * 2).backward()
        run(x * 2)
        depths = searched(monkeypatch)
        run(x * 2)
    assert [set(run.leaves) for run in trace.passes] == [{"x"}] * 3
    assert depths == [1]


def searched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The depths of the searches for names from now on."""
    depths: list[int] = []
    real = names.search

    def search(frames: Any, claim: Any, satisfied: Any, deepest: int = names.DEEPEST) -> None:
        depths.append(deepest)
        real(frames, claim, satisfied, deepest)

    monkeypatch.setattr(names, "search", search)
    return depths


@pytest.mark.parametrize("nameless", [False, True])
def test_leaves_made_anew_are_searched_deeply_once(nameless: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    depths = searched(monkeypatch)
    with gradtui.record() as trace:
        for _ in range(4):
            if nameless:
                (torch.tensor(1.0, requires_grad=True) * 2).backward()
            else:
                fresh = torch.tensor(1.0, requires_grad=True)
                (fresh * 2).backward()
    assert [n.name for run in trace.passes for n in run.nodes.values() if n.leaf] == (
        [None if nameless else "fresh"] * 4
    )
    assert depths == [names.DEEPEST, 1, 1, 1]


def test_a_leaf_deeper_than_those_before_is_still_found() -> None:
    flat = torch.tensor(1.0, requires_grad=True)
    deep = [[[torch.tensor(1.0, requires_grad=True)]]]
    with gradtui.record() as trace:
        for loss in (flat * 2, deep[0][0][0] * 2):
            loss.backward()
    assert [set(run.leaves) for run in trace.passes] == [{"flat"}, {"deep[0][0][0]"}]


def test_a_gradient_of_zeros_is_there_before_the_pass() -> None:
    w = torch.tensor([1.0], requires_grad=True)
    w.grad = torch.zeros(1)
    with gradtui.record() as trace:
        (w * 2).sum().backward()
    (before,) = trace.passes[0].before.values()
    assert values(before) == [0.0]


# --------------------------------------------------------------- what torch writes down


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
        return g * 2


@pytest.mark.filterwarnings("ignore")  # of torch's own deprecations
@pytest.mark.parametrize("custom", [False, True])
def test_compiling_sees_nothing_of_ours(custom: bool) -> None:
    w = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)

    def loss(x: torch.Tensor) -> torch.Tensor:
        y = Doubled.apply(x * w) if custom else x * w * 2
        return y.tanh().sum()

    (expected,) = torch.autograd.grad(loss(torch.ones(3)), w)
    with gradtui.record() as trace:
        torch._dynamo.reset()
        torch.compile(loss, backend="eager", fullgraph=True)(torch.ones(3)).backward()
    assert torch.equal(w.grad, expected)
    assert [set(run.leaves) for run in trace.passes] == [{"w"}]
    assert trace.notices == []


@pytest.mark.filterwarnings("ignore")
def test_tracing_sees_nothing_of_ours() -> None:
    net, x = network()

    def written_down() -> list[str]:
        return [node.kind() for node in torch.jit.trace(net, x).inlined_graph.nodes()]

    plain = written_down()
    with gradtui.record():
        watched = written_down()
    assert watched == plain


# --------------------------------------------------------------- a signal handler's errors


@contextmanager
def interrupted() -> Iterator[Callable[[], None]]:
    """A function that returns only when the program's `SIGALRM` handler has raised out of it."""

    def handler(*_: object) -> None:
        raise TimeoutError("too slow")

    def alarm() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        time.sleep(30)

    before = signal.signal(signal.SIGALRM, handler)
    try:
        yield alarm
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("module", [torch_watcher, torch_pass], ids=["as a pass begins", "in a hook"])
def test_what_a_signal_handler_raises_in_our_code_reaches_the_program(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = torch.tensor(1.0, requires_grad=True)
    with interrupted() as alarm, gradtui.record() as trace:
        with monkeypatch.context() as patch:
            patch.setattr(module, "summarize", lambda *_: alarm())
            with pytest.raises(TimeoutError, match="too slow"):
                (w * 2).backward()
        (w * 2).backward()
    assert trace.notices == []
    assert trace.passes[-1].ended.error is None
    assert all(run.ended is not None for run in trace.passes)


def test_what_a_signal_handler_raises_while_output_is_flushed_reaches_the_program() -> None:
    class Slow(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            if not written:
                written.append(bytes(data))
                alarm()
            return len(data)

    written: list[bytes] = []
    output = ProgramOutput(Reporter(MemoryChannel(print), Places(), stop=False))
    with interrupted() as alarm, io.TextIOWrapper(io.BufferedWriter(Slow())) as stream:
        output._streams = (stream, None)
        stream.write("printed")
        with pytest.raises(TimeoutError, match="too slow"):
            output.flush()
    output.flush()  # a closed stream is no fault


def test_a_fault_of_ours_in_a_hook_does_not_reach_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_pass, "read_saved", None)
    w = torch.tensor(1.0, requires_grad=True)
    with gradtui.record() as trace:
        (w * 2).backward()
    assert w.grad.item() == 2.0
    assert ["could not look at a node" in notice.message for notice in trace.notices] == [True]


def test_hooks_that_cannot_all_be_installed_are_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch_pass.TorchPass, "_after_node")  # missed when the first prehook stands
    w = torch.tensor(1.0, requires_grad=True)
    loss = (w * 2).sum()
    with gradtui.record() as trace:
        loss.backward(retain_graph=True)
    assert w.grad.item() == 2.0
    assert [len(run.steps) for run in trace.passes] == [0]
    assert ["could not look at a node" in notice.message for notice in trace.notices] == [True]
    gc.collect()
    assert not [o for o in gc.get_objects() if type(o) is torch_pass.TorchPass]


# --------------------------------------------------------------- how torch arrives


@pytest.mark.parametrize("text", ["autograd = 1", "import nowhere.autograd as autograd", "__path__ = []"])
def test_a_torch_that_is_none_is_left_unwatched(text: str, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text(text)
    (tmp_path / "main.py").write_text(
        "try:\n    import torch\nexcept ModuleNotFoundError as error:\n    assert error.name == 'nowhere'\n"
        "print('goes on')\n"
    )
    done = headless(tmp_path / "main.py")
    assert (done.code, done.printed("stdout"), done.printed("stderr")) == (0, "goes on\n", "")
    notices = [notice["message"] for notice in done.of_type("notice")]
    assert [str(tmp_path / "torch.py") in message for message in notices] == [True] * (text == "autograd = 1")


def test_torch_imported_first_in_a_thread(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "import threading\n"
        "def run():\n"
        "    import torch\n"
        "    w = torch.ones(1, requires_grad=True)\n"
        "    (w * 2).sum().backward()\n"
        "thread = threading.Thread(target=run)\n"
        "thread.start()\n"
        "thread.join()\n"
    )
    done = headless(tmp_path / "main.py")
    assert (done.code, done.err, done.printed("stderr")) == (0, b"", "")
    assert done.exit["passes"] == 1


# --------------------------------------------------------------- what the forward map keeps


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


def test_a_tensor_subclass_that_only_stands_by_hears_nothing_of_us() -> None:
    heard = []

    class Touchy(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            heard.append(func)
            raise RuntimeError("not to be touched")

    stands_by = torch.ones(3).as_subclass(Touchy)
    x = torch.ones(2, requires_grad=True)
    with gradtui.record() as trace:
        (x * 2).sum().backward()
    assert heard == []
    assert trace.notices == []
    assert type(stands_by) is Touchy
