"""Leaves and results have the names and lines that the program gave them."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from tensors import network, values

import gradtui
from gradtui.probe import names
from gradtui.trace import Pass


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
            assert "test_torch_names.py:" in trace.source_of(node)


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
    assert depths == ([1, names.DEEPEST, 1, 1, 1] if nameless else [1, 1, 1, 1])


def test_a_leaf_deeper_than_those_before_is_still_found() -> None:
    flat = torch.tensor(1.0, requires_grad=True)
    deep = [[[torch.tensor(1.0, requires_grad=True)]]]
    with gradtui.record() as trace:
        for loss in (flat * 2, deep[0][0][0] * 2):
            loss.backward()
    assert [set(run.leaves) for run in trace.passes] == [{"flat"}, {"deep[0][0][0]"}]
