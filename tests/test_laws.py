"""Laws that hold on every graph, tried on many random ones."""

from __future__ import annotations

import math
from typing import Any

import micrograd.engine
import pytest
import torch
from graphs import COMMON, LARGE, OURS, Recipe, recipes
from hypothesis import HealthCheck, assume, given, settings

import gradtui
from gradtui.scalar import Value
from gradtui.trace import Pass
from gradtui.wire.messages import Summary

law = settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
ENGINES = {"ours": (Value, OURS), "micrograd": (micrograd.engine.Value, COMMON)}


def leaf(x: float) -> torch.Tensor:
    return torch.tensor(x, dtype=torch.float64, requires_grad=True)


def plain_torch(recipe: Recipe, table: Any) -> tuple[float, list[float]]:
    leaves, root = recipe.build(leaf, table)
    root.backward()
    return root.item(), [0.0 if x.grad is None else x.grad.item() for x in leaves]


def tame(recipe: Recipe, table: Any) -> bool:
    """Are the numbers of a size at which rounding is not the subject?"""
    with torch.no_grad():
        value = recipe.build(leaf, table)[1].item()
    return math.isfinite(value) and abs(value) < LARGE


def away_from_kinks(recipe: Recipe, table: Any) -> bool:
    """Does no relu sit at 0, where engines may choose?"""
    kinks = []
    checked = dict(table) | {"relu": lambda a, b: (kinks.append(abs(a.item())), a.relu())[1]}
    recipe.build(leaf, checked)
    return all(k > 1e-9 for k in kinks)


def close(a: float, b: float, scale: float = 1.0) -> bool:
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12 * max(1.0, scale))


@law
@given(recipes(list(OURS)))
def test_our_gradients_are_torchs(recipe: Recipe) -> None:
    assume(tame(recipe, OURS))
    value, theirs = plain_torch(recipe, OURS)
    leaves, root = recipe.build(Value, OURS)
    root.backward()
    scale = max(map(abs, theirs))
    assert close(root.data, value)
    assert all(close(ours.grad, grad, scale) for ours, grad in zip(leaves, theirs))


@pytest.mark.parametrize("engine", ENGINES)
@law
@given(recipes(list(COMMON)))
def test_watching_a_scalar_engine_changes_no_bit(engine: str, recipe: Recipe) -> None:
    cls, table = ENGINES[engine]
    with gradtui.record(twin=False):
        # one graph for both: a set of operands comes in the order of their addresses, which sums keep
        _, root = recipe.build(cls, table)
        root.backward()
    nodes = below(root)
    watched = [repr(v.grad) for v in nodes]
    for v in nodes:
        v.grad = 0
    root.backward()
    assert watched == [repr(v.grad) for v in nodes]


def below(root: Any) -> list[Any]:
    nodes, stack = {}, [root]
    while stack:
        v = stack.pop()
        if id(v) not in nodes:
            nodes[id(v)] = v
            stack.extend(v._prev)
    return list(nodes.values())


@pytest.mark.parametrize("engine", ENGINES)
@law
@given(recipes(list(COMMON)))
def test_contributions_add_up_to_what_was_received(engine: str, recipe: Recipe) -> None:
    cls, table = ENGINES[engine]
    with gradtui.record(twin=False) as trace:
        leaves, root = recipe.build(cls, table)
        root.backward()
    (run,) = trace.passes
    scale = largest(run)
    for node in run.nodes.values():
        arrived = math.fsum(a.sent.value for a in run.ledger(node.id))
        if node.id == run.root.id:
            assert run.steps[0].message.received == (1.0,)
        elif node.leaf:
            assert close(arrived, run.leaf_at(node).added, scale)
        else:
            assert [close(arrived, s.message.received[0], scale) for s in run.steps if s.node is node] == [
                True
            ]
    assert all(run.leaves[f"leaves[{i}]"].after == x.grad for i, x in enumerate(leaves) if x.grad)


def largest(run: Pass) -> float:
    return max(abs(r) for s in run.steps for r in s.message.received if isinstance(r, float))


@pytest.mark.parametrize("engine", ENGINES)
@law
@given(recipes(list(COMMON)))
def test_a_right_engine_gives_no_finding_and_the_twin_is_plain_torch(engine: str, recipe: Recipe) -> None:
    cls, table = ENGINES[engine]
    assume(tame(recipe, table) and away_from_kinks(recipe, table))
    _, theirs = plain_torch(recipe, table)
    with gradtui.record() as trace:
        leaves, root = recipe.build(cls, table)
        root.backward()
    assert [f.message for f in trace.findings] == []
    (run,) = trace.passes
    assert not [s for s in run.steps if s.twin is None or s.twin.missing]
    by_name = {s.node.name: s.twin.received for s in run.steps if s.node.leaf and s.node.named}
    scale = max(map(abs, theirs))
    for i, grad in enumerate(theirs):
        if f"leaves[{i}]" in by_name:  # else nothing that the root depends on uses it
            assert close(by_name[f"leaves[{i}]"], grad, scale)


@law
@given(recipes(list(OURS)))
def test_our_own_engine_gives_no_finding_with_any_operation(recipe: Recipe) -> None:
    assume(tame(recipe, OURS) and away_from_kinks(recipe, OURS))
    with gradtui.record() as trace:
        recipe.build(Value, OURS)[1].backward()
    assert [f.message for f in trace.findings] == []
    assert all(s.twin.missing is None for s in trace.passes[0].steps)


# ------------------------------------------------------------------------- torch


def vector(x: float) -> torch.Tensor:
    return torch.tensor([x, -x, x + 0.5], requires_grad=True)


@law
@given(recipes(list(OURS)))
def test_watching_torch_changes_no_bit(recipe: Recipe) -> None:
    leaves, root = recipe.build(vector, OURS)
    root.sum().backward()
    with gradtui.record():
        seen, seen_root = recipe.build(vector, OURS)
        seen_root.sum().backward()
    assert torch.equal(root, seen_root) or bool(root.isnan().any())
    for a, b in zip(leaves, seen):
        assert (a.grad is None) == (b.grad is None)
        assert a.grad is None or a.grad.numpy().tobytes() == b.grad.numpy().tobytes()


@law
@given(recipes(list(OURS)))
def test_torchs_contributions_add_up_to_what_was_received(recipe: Recipe) -> None:
    assume(tame(recipe, OURS))
    with gradtui.record() as trace:
        leaves, root = recipe.build(leaf, OURS)
        root.backward()
    (run,) = trace.passes
    number = lambda s: s.values[0] if isinstance(s, Summary) else 0.0  # noqa: E731
    scale = max(abs(number(r)) for s in run.steps for r in s.message.received)
    for step in run.steps:
        arrived = math.fsum(number(a.sent.value) for a in run.ledger(step.node.id))
        if step.node.id != run.root.id:
            assert close(arrived, number(step.message.received[0]), scale)
    for i, x in enumerate(leaves):
        if x.grad is not None:
            assert number(run.leaves[f"leaves[{i}]"].after) == x.grad.item()
    assert trace.findings == []
    assert all(n.leaf or trace.source_of(n) for n in run.nodes.values())
