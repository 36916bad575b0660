"""What is known of the forward: each node's values, outputs, module, and what it saved."""

from __future__ import annotations

import gc
import inspect
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
from tensors import values

import gradtui
from gradtui.probe.places import Places
from gradtui.probe.pytorch.forward import VALUES, ForwardMap
from gradtui.probe.pytorch.graph import walk
from gradtui.trace.chainrule import terms


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
    assert (trace.source_of(step.node) or "").endswith(f"test_torch_forward.py:{line}")
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


def test_forward_values_are_few_and_small() -> None:
    w = torch.ones(4, requires_grad=True)
    with ForwardMap(Places()) as forward:
        for i in range(VALUES + 10):
            if i % 5_000 == 0:
                with forward.within_pass(5_000):
                    pass  # of a graph with more nodes between two passes, not all are looked at
            y = w * 2
        assert forward.value_of(y.grad_fn).values == (2.0,) * 4
        assert len(forward._values) <= VALUES
        large = torch.ones(9, requires_grad=True) * 2
        assert forward.value_of(large.grad_fn) is None


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


class Wrapped(torch.nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.main = torch.nn.Linear(size, size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.main(x).tanh()
        return out


def test_modules_of_two_models_are_told_apart() -> None:
    one, two = Wrapped(3), Wrapped(3)
    with gradtui.record() as trace:
        two(one(torch.ones(2, 3))).sum().backward()
    modules = {node.module for node in trace.passes[0].nodes.values()}
    assert {"one.main", "two.main"} <= modules
    assert "main" not in modules


def test_a_model_alone_has_the_paths_of_named_modules() -> None:
    alone = Wrapped(3)
    with gradtui.record() as trace:
        alone(torch.ones(2, 3)).sum().backward()
    made = {node.op: node.module for node in trace.passes[0].nodes.values() if not node.leaf}
    assert made == {
        "SumBackward0": None,
        "TanhBackward0": "alone",
        "AddmmBackward0": "main",
        "TBackward0": "main",
    }
    assert {node.module for node in trace.passes[0].nodes.values() if node.leaf} == {"main"}
    assert trace.modules["alone"] == "Wrapped"


class Owns(Wrapped):
    """Has a parameter of its own, and a module that is called as the model is."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.scale = torch.nn.Parameter(torch.ones(size))
        self.owns = torch.nn.Linear(size, size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.owns(self.main(x)) * self.scale
        return out


def test_a_model_s_own_are_told_from_its_module_of_the_same_name_and_from_the_loss() -> None:
    owns, loss = Owns(3), torch.nn.MSELoss()
    with gradtui.record() as trace:
        loss(owns(torch.ones(2, 3)), torch.zeros(2, 3)).backward()
    nodes = trace.passes[0].nodes.values()
    assert {node.op: node.module for node in nodes if node.op in ("MulBackward0", "MseLossBackward0")} == {
        "MulBackward0": "owns",
        "MseLossBackward0": None,
    }
    leaves = {node.name: node.module for node in nodes if node.leaf}
    assert leaves["owns.scale"] == "owns"
    assert leaves["owns.owns.weight"] == "owns.owns"
    assert leaves["owns.main.bias"] == "owns.main"


def test_what_a_checkpoint_computes_again_has_its_lines_and_modules() -> None:
    net = Wrapped(3)
    with gradtui.record() as trace:
        x = torch.ones(2, 3, requires_grad=True)
        torch.utils.checkpoint.checkpoint(net, x, use_reentrant=True).sum().backward()
    again = [p for p in trace.passes if p.number > 1]
    assert again
    made = [node for p in again for node in p.nodes.values() if not node.leaf]
    assert {node.op for node in made} == {"TanhBackward0", "AddmmBackward0", "TBackward0"}
    assert all(trace.source_of(node) for node in made)
    assert {node.module for node in made if node.op != "TanhBackward0"} == {"main"}


def of_another_thread(work: Callable[[], Any]) -> Any:
    made: list[Any] = []
    thread = threading.Thread(target=lambda: made.append(work()))
    thread.start()
    thread.join()
    return made[0]


def test_a_node_of_another_thread_is_not_taken_for_one_with_its_number() -> None:
    v = torch.ones(2, requires_grad=True)
    other = of_another_thread(lambda: (v * 2).exp())
    theirs = [other.grad_fn, other.grad_fn.next_functions[0][0]]
    assert [node._sequence_nr() for node in theirs] == [1, 0]  # each thread counts for itself

    def here() -> tuple[list[bool], list[bool]]:
        with ForwardMap(Places()) as forward:
            own = v.exp().tanh()
            nodes = [own.grad_fn, own.grad_fn.next_functions[0][0]]
            return [forward.made(n) is not None for n in nodes], [forward.made(n) is not None for n in theirs]

    assert of_another_thread(here) == ([True, True], [False, False])


def test_what_many_nodes_an_operation_makes_are_known_by_their_numbers() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.LSTM(4, 5)).double()
    with ForwardMap(Places()) as forward:
        out, (h, _) = net(torch.ones(2, 6, 3, dtype=torch.double))
        parts = torch.nn.functional.scaled_dot_product_attention(out, out, out).chunk(2)
        loss = parts[0].sum() + h.sum()
    nodes = [n for n in walk([loss.grad_fn]) if not hasattr(n, "variable")]
    assert len(nodes) > 20
    assert [n.name() for n in nodes if forward.made(n) is None] == []


def test_lines_of_another_thread_s_graph_are_none_rather_than_wrong() -> None:
    w = torch.ones(2, requires_grad=True)

    def here() -> Any:
        with gradtui.record() as trace:
            of_another_thread(lambda: (w * 2).exp()).sum().backward()
        return trace

    def with_own_operations() -> Any:
        with gradtui.record() as trace:
            w.tanh().sin()  # have the numbers that the other thread's have
            of_another_thread(lambda: (w * 2).exp()).sum().backward()
        return trace

    for trace in of_another_thread(here), of_another_thread(with_own_operations):
        (run,) = trace.passes
        assert [(s.op, trace.source_of(s.node) is not None) for s in run.steps[:3]] == [
            ("SumBackward0", True),
            ("ExpBackward0", False),
            ("MulBackward0", False),
        ]


def test_a_fault_of_ours_in_the_forward_does_not_reach_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradtui.probe.pytorch.forward.summarize", None)
    with gradtui.record() as trace:
        w = torch.ones(2, requires_grad=True)
        (w * 2).sum().backward()
    assert [notice.message for notice in trace.notices] == [
        "gradtui could not look at the forward: TypeError: 'NoneType' object is not callable"
    ]


def test_a_forked_child_maps_nothing() -> None:
    w = torch.ones(2, requires_grad=True)
    with gradtui.record():
        (forward,) = [o for o in gc.get_objects() if type(o) is ForwardMap and not o._left]
        known = len(forward._starts)
        child = os.fork()
        if not child:
            w * 2
            os._exit(len(forward._starts) - known)
        assert os.waitpid(child, 0)[1] == 0
        w * 2
        assert len(forward._starts) > known


def test_of_very_many_stacks_the_nearest_lines_of_the_program_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gradtui.probe.places.CROWD", 20)
    torch.manual_seed(0)
    order = iter(torch.rand(2_000).tolist())

    def tree(depth: int) -> torch.Tensor:
        if not depth:
            return norm(w)
        if next(order) < 0.5:
            one, other = tree(depth - 1), tree(depth - 1)
        else:
            other, one = tree(depth - 1), tree(depth - 1)
        return one + other

    norm, w = torch.nn.LayerNorm(4), torch.ones(4, requires_grad=True)
    with gradtui.record() as trace:
        for _ in range(20):
            tree(6).sum().backward()
    assert len(trace.stacks) < 300
    lines = {trace.source_of(node) for run in trace.passes for node in run.nodes.values() if not node.leaf}
    assert all(line is not None and "test_torch_forward.py" in line for line in lines)


def test_equal_code_that_is_made_anew_is_one_code() -> None:
    w = torch.ones(3, requires_grad=True)
    with gradtui.record() as trace:
        for _ in range(50):
            eval("(w * w).sum()", {"w": w}).backward()
    assert len(trace.stacks) < 10
