"""`gradtui.scalar` beside karpathy's micrograd and torch."""

from __future__ import annotations

import gc
import math
import random
from types import ModuleType
from typing import Any

import micrograd.engine
import micrograd.nn
import pytest
import torch

import gradtui.scalar.engine
import gradtui.scalar.nn
from gradtui.scalar import Value

ENGINES = [micrograd.engine, gradtui.scalar.engine]
NETWORKS = [micrograd.nn, gradtui.scalar.nn]


def named(module: ModuleType) -> str:
    return module.__name__


# ------------------------------------- micrograd's own test file, import changed


@pytest.mark.parametrize("engine", ENGINES, ids=named)
def test_sanity_check(engine: Any) -> None:
    Value = engine.Value
    x = Value(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    y.backward()
    xmg, ymg = x, y

    x = torch.Tensor([-4.0]).double()
    x.requires_grad = True
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    y.backward()
    xpt, ypt = x, y

    # forward pass went well
    assert ymg.data == ypt.data.item()
    # backward pass went well
    assert xmg.grad == xpt.grad.item()


@pytest.mark.parametrize("engine", ENGINES, ids=named)
def test_more_ops(engine: Any) -> None:
    Value = engine.Value
    a = Value(-4.0)
    b = Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    amg, bmg, gmg = a, b, g

    a = torch.Tensor([-4.0]).double()
    b = torch.Tensor([2.0]).double()
    a.requires_grad = True
    b.requires_grad = True
    c = a + b
    d = a * b + b**3
    c = c + c + 1
    c = c + 1 + c + (-a)
    d = d + d * 2 + (b + a).relu()
    d = d + 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g = g + 10.0 / f
    g.backward()
    apt, bpt, gpt = a, b, g

    tol = 1e-6
    # forward pass went well
    assert abs(gmg.data - gpt.data.item()) < tol
    # backward pass went well
    assert abs(amg.grad - apt.grad.item()) < tol
    assert abs(bmg.grad - bpt.grad.item()) < tol


# ---------------------------------------------------------------- the same numbers


def train(nn: Any, engine: Any, steps: int = 8) -> tuple[list[float], list[float]]:
    """micrograd's demo in small: losses and final parameters."""
    random.seed(1337)
    model = nn.MLP(2, [4, 4, 1])
    xs = [[random.uniform(-1, 1), random.uniform(-1, 1)] for _ in range(6)]
    ys = [1 if x * y > 0 else -1 for x, y in xs]
    losses = []
    for k in range(steps):
        inputs = [list(map(engine.Value, row)) for row in xs]
        scores = list(map(model, inputs))
        hinge = [(1 + -y * score).relu() for y, score in zip(ys, scores)]
        total = sum(hinge) * (1.0 / len(hinge)) + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        total.backward()
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * k / steps) * p.grad
        losses.append(total.data)
    return losses, [p.data for p in model.parameters()]


def test_training_gives_micrograds_numbers() -> None:
    theirs_losses, theirs = train(micrograd.nn, micrograd.engine)
    losses, ours = train(gradtui.scalar.nn, gradtui.scalar.engine)
    assert losses == pytest.approx(theirs_losses, rel=1e-12)
    assert ours == pytest.approx(theirs, rel=1e-9)
    assert losses[-1] < losses[0]


def test_a_network_draws_the_same_weights_and_calls_itself_the_same() -> None:
    described = []
    for nn in NETWORKS:
        random.seed(7)
        model = nn.MLP(3, [4, 4, 1])
        described.append((repr(model), [p.data for p in model.parameters()]))
    assert described[0] == described[1]
    assert len(described[0][1]) == 41


def test_zero_grad_clears_every_parameter() -> None:
    model = gradtui.scalar.nn.MLP(2, [3, 1])
    model([1.0, -1.0]).backward()
    assert any(p.grad for p in model.parameters())
    model.zero_grad()
    assert not any(p.grad for p in model.parameters())


# ----------------------------------------------------------------- the operations


def gradients(f: Any, *numbers: float) -> tuple[float, list[float]]:
    values = [Value(x) for x in numbers]
    out = f(*values)
    out.backward()
    return out.data, [v.grad for v in values]


def torch_gradients(f: Any, *numbers: float) -> tuple[float, list[float]]:
    values = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in numbers]
    out = f(*values)
    out.backward()
    return out.item(), [0.0 if v.grad is None else v.grad.item() for v in values]


def agree(ours: tuple[float, list[float]], theirs: tuple[float, list[float]]) -> bool:
    return ours[0] == pytest.approx(theirs[0], rel=1e-12, nan_ok=True) and ours[1] == pytest.approx(
        theirs[1], rel=1e-12, nan_ok=True
    )


@pytest.mark.parametrize(
    "f",
    [
        lambda a: a + 3, lambda a: 3 + a, lambda a: a - 3, lambda a: 3 - a, lambda a: a * 3,
        lambda a: 3 * a, lambda a: a / 3, lambda a: 3 / a, lambda a: a**3, lambda a: 3**a,
        lambda a: a**2.5, lambda a: 0.5**a, lambda a: a**-1, lambda a: a**0, lambda a: -a,
        lambda a: a + a, lambda a: a * a, lambda a: a - a, lambda a: a / a, lambda a: a**a,
    ],
)  # fmt: skip
@pytest.mark.parametrize("x", [2.0, 0.25])
def test_numbers_on_either_side(f: Any, x: float) -> None:
    assert agree(gradients(f, x), torch_gradients(f, x))


@pytest.mark.parametrize(
    "f", [lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b]
)
@pytest.mark.parametrize("numbers", [(2.0, -3.0), (-1e-3, 1e6), (0.0, 2.0)])
def test_two_operands(f: Any, numbers: tuple[float, float]) -> None:
    assert agree(gradients(f, *numbers), torch_gradients(f, *numbers))


@pytest.mark.parametrize("name", ["tanh", "exp", "log", "relu", "sigmoid"])
@pytest.mark.parametrize("x", [0.7, 2.0, 40.0, -1.5, -800.0, 800.0, 0.0])
def test_functions(name: str, x: float) -> None:
    f = lambda v: getattr(v, name)()  # noqa: E731
    assert agree(gradients(f, x), torch_gradients(f, x))


@pytest.mark.parametrize(
    ("f", "numbers"),
    [
        (lambda a, b: a / b, (1.0, 0.0)), (lambda a, b: a / b, (0.0, 0.0)), (lambda a: a.log(), (0.0,)),
        (lambda a: a.log(), (-1.0,)), (lambda a: a.exp(), (1000.0,)), (lambda a: a**-1, (0.0,)),
        (lambda a: a**0.5, (-1.0,)), (lambda a: a**0.5, (0.0,)), (lambda a: a**3, (1e200,)),
        (lambda a, b: a**b, (0.0, 2.0)), (lambda a, b: a**b, (0.0, 0.0)), (lambda a, b: a**b, (-2.0, 3.0)),
    ],
)  # fmt: skip
def test_the_edges_are_those_of_ieee_754(f: Any, numbers: tuple[float, ...]) -> None:
    assert agree(gradients(f, *numbers), torch_gradients(f, *numbers))


def test_gradients_add_up_over_uses_and_calls() -> None:
    a = Value(3.0)
    b = a + a
    b.backward()
    assert a.grad == 2.0
    a.grad = 0.0
    b.grad = 0.0
    b.backward()
    assert a.grad == 2.0


def test_a_label_has_no_effect() -> None:
    a = Value(2.0, label="weight")
    (a * a).backward()
    assert (a.label, a.grad) == ("weight", 4.0)
    assert repr(a) == "Value(data=2.0, grad=4.0)"


def test_values_are_told_apart_by_identity() -> None:
    a, b = Value(1.0), Value(1.0)
    assert a != b
    assert len({a, b}) == 2


def test_a_chain_of_a_million_nodes() -> None:
    x = Value(1.0)
    y = x
    for _ in range(1_000_000):
        y = y + 0.0
    y.backward()
    assert x.grad == 1.0
    del y
    gc.collect()


def test_the_neuron_of_the_lecture() -> None:
    x1, x2, w1, w2 = Value(2.0), Value(0.0), Value(-3.0), Value(1.0)
    b = Value(6.8813735870195432)
    o = (x1 * w1 + x2 * w2 + b).tanh()
    o.backward()
    assert o.data == pytest.approx(math.sqrt(0.5), abs=1e-12)
    assert [v.grad for v in (x1, w1, x2, w2)] == pytest.approx([-1.5, 1.0, 0.5, 0.0], abs=1e-12)
