"""Which torch function a scalar node is compared with: what is not certain is said, never guessed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradtui
from gradtui.probe.scalar.choice import SEVERAL, Chooser
from gradtui.probe.scalar.operations import side_of
from gradtui.probe.scalar.twin import TwinGraph
from gradtui.trace.trace import Trace

FAULT = 1.0
"""What the derivatives of `Number`'s operations of one operand are multiplied by; 1 is right."""


class Number:
    """An engine whose operations with a constant keep no trace of it."""

    def __init__(self, data: Any, _children: Any = (), _op: str = "") -> None:
        self.data = data
        self.grad = 0.0
        self._prev = _children
        self._op = _op
        self._backward: Callable[[], None] = lambda: None

    def __add__(self, other: Any) -> Number:
        out = Number(self.data + other.data, (self, other), "+")

        def _backward() -> None:
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other: Any) -> Number:
        out = Number(self.data * other.data, (self, other), "*")

        def _backward() -> None:
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def __sub__(self, k: float) -> Number:
        out = Number(self.data - k, (self,), "-")

        def _backward() -> None:
            self.grad += FAULT * out.grad

        out._backward = _backward
        return out

    def __rsub__(self, k: float) -> Number:
        out = Number(k - self.data, (self,), "-")

        def _backward() -> None:
            self.grad -= FAULT * out.grad

        out._backward = _backward
        return out

    def __neg__(self) -> Number:
        out = Number(-self.data, (self,), "-")

        def _backward() -> None:
            self.grad -= FAULT * out.grad

        out._backward = _backward
        return out

    def __truediv__(self, k: float) -> Number:
        out = Number(self.data / k, (self,), "/")

        def _backward() -> None:
            self.grad += FAULT / k * out.grad

        out._backward = _backward
        return out

    def __rtruediv__(self, k: float) -> Number:
        out = Number(k / self.data, (self,), "/")

        def _backward() -> None:
            self.grad -= FAULT * k / self.data**2 * out.grad

        out._backward = _backward
        return out

    def __pow__(self, k: float) -> Number:
        out = Number(self.data**k, (self,), "**")

        def _backward() -> None:
            self.grad += FAULT * k * self.data ** (k - 1) * out.grad

        out._backward = _backward
        return out

    def __rpow__(self, k: float) -> Number:
        out = Number(k**self.data, (self,), "**")

        def _backward() -> None:
            self.grad += FAULT * out.data * math.log(k) * out.grad

        out._backward = _backward
        return out

    def less(self, k: float) -> Number:
        return self.shifted(-k, "-")

    def shifted(self, k: float, op: str) -> Number:
        out = Number(self.data + k, (self,), op)

        def _backward() -> None:
            self.grad += FAULT * out.grad

        out._backward = _backward
        return out

    def divided_into(self, k: float) -> Number:
        return self.by(k / self.data, "/", -1 / self.data**2, k)

    def by(self, data: float, op: str, slope: float, k: float | None = None) -> Number:
        out = Number(data, (self,), op)

        def _backward() -> None:
            self.grad += FAULT * slope * out.grad * (k or 1.0)

        out._backward = _backward
        return out

    def gelu_by_tanh(self) -> Number:
        x, c = self.data, math.sqrt(2 / math.pi)
        t = math.tanh(c * (x + 0.044715 * x**3))
        slope = 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x)
        return self.by(0.5 * x * (1 + t), "gelu", slope)

    def gelu_by_sigmoid(self) -> Number:
        s = 1 / (1 + math.exp(-1.702 * self.data))
        return self.by(self.data * s, "gelu", s + self.data * 1.702 * s * (1 - s))

    def nearly_tanh(self) -> Number:
        """Right to a few millionths; its derivative is not."""
        x = self.data
        return self.by(math.tanh(x) + 1e-7 * math.sin(1e3 * x), "tanh", 1 - math.tanh(x) ** 2 + 1e-4)

    def backward(self) -> None:
        order: list[Number] = []

        def visit(v: Number) -> None:
            if v not in order:
                for child in v._prev:
                    visit(child)
                order.append(v)

        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            v._backward()


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "FAULT", 1.75)


Formula = Callable[[Number], Number]


def watched(formula: Formula, at: float) -> Trace:
    with gradtui.record() as trace:
        a = Number(at)
        made = formula(a)
        (made * made + a).backward()
    return trace


def twin_of(trace: Trace, op: str) -> Any:
    return next(step.twin for step in trace.passes[0].steps if step.node.op == op)


TOLD: dict[str, tuple[Formula, str, float]] = {
    "a - 2 at 1 is not -a": (lambda a: a - 2, "-", 1.0),
    "1 - a at 1 is not a - 1": (lambda a: 1 - a, "-", 1.0),
    "0 - a is -a": (lambda a: 0 - a, "-", 2.0),
    "-a": (lambda a: -a, "-", 1.0),
    "1 / a at 1 is not a / 1": (lambda a: 1 / a, "/", 1.0),
    "a / 2 at 2 is not 2 / a": (lambda a: a / 2, "/", 2.0),
    "2 ** a at 2 is not a ** 2": (lambda a: 2**a, "**", 2.0),
    "a ** 2 at 2 is not 2 ** a": (lambda a: a**2, "**", 2.0),
    "a ** 3 at 1 is not a ** 1": (lambda a: a**3, "**", 1.0),
}


@pytest.mark.parametrize("name", TOLD)
def test_the_constant_and_its_side_are_told_by_the_method_that_made_the_node(name: str) -> None:
    formula, op, at = TOLD[name]
    trace = watched(formula, at)
    assert trace.findings == []
    twin = twin_of(trace, op)
    assert twin.missing is None
    (sent,) = next(step.message.sent for step in trace.passes[0].steps if step.node.op == op)
    assert (0.0 if sent is None else sent.value) == pytest.approx(twin.sent[0])


@pytest.mark.usefixtures("fault")
@pytest.mark.parametrize("name", [name for name in TOLD if " at " in name or name == "-a"])
def test_a_wrong_derivative_of_the_same_operations_is_found(name: str) -> None:
    formula, op, at = TOLD[name]
    if formula(Number(at)).data == 0:
        at += 2  # what is sent for a square of zero is zero, wrong or not
    (finding,) = watched(formula, at).findings
    assert (finding.kind, finding.op) == ("twin-mismatch", op)


UNTOLD: dict[str, tuple[Formula, str, float]] = {
    "a - 2 at 1 may be -a": (lambda a: a.less(2), "-", 1.0),
    "1 / a at 1 may be a / 1": (lambda a: a.divided_into(1), "/", 1.0),
}


@pytest.mark.parametrize("name", UNTOLD)
def test_where_several_operations_give_the_value_there_is_no_twin(name: str) -> None:
    formula, op, at = UNTOLD[name]
    trace = watched(formula, at)
    assert trace.findings == []
    twin = twin_of(trace, op)
    assert twin.missing == SEVERAL
    below = trace.passes[0].steps[-1].twin
    assert SEVERAL in below.missing


def test_where_no_constant_is_known_that_is_said() -> None:
    with gradtui.record() as trace:
        Number(0.5).shifted(3, "+").backward()
    assert trace.findings == []
    assert twin_of(trace, "+").missing == "the other operand of '+' is not known"


@pytest.mark.parametrize("at", [-9.0, -3.0, 0.0, 0.5, 2.0, 4.0, 5.0, 5.5, 6.0, 7.0, 9.0, 12.0])
@pytest.mark.parametrize("formula", [Number.gelu_by_tanh, Number.gelu_by_sigmoid], ids=lambda f: f.__name__)
def test_approximate_formulas_are_no_faults(formula: Formula, at: float) -> None:
    assert watched(formula, at).findings == []


@pytest.mark.usefixtures("fault")
@pytest.mark.parametrize("formula", [Number.gelu_by_tanh, Number.gelu_by_sigmoid], ids=lambda f: f.__name__)
def test_a_wrong_derivative_of_an_approximate_formula_is_found(formula: Formula) -> None:
    (finding,) = watched(formula, 1.0).findings
    assert (finding.kind, finding.op) == ("twin-mismatch", "gelu")


def test_a_value_that_is_off_by_more_than_rounding_is_another_function() -> None:
    trace = watched(Number.nearly_tanh, 0.5)
    assert trace.findings == []
    assert "gives another forward value" in twin_of(trace, "tanh").missing


def test_rounding_that_a_difference_lays_bare_is_no_disagreement() -> None:
    """Each node is judged by the operands that the engine had, not by all the rounding below it."""
    with gradtui.record() as trace:
        x = Number(0.5)
        t = x.by(math.tanh(0.5) * (1 + 2e-15), "tanh", 1 - math.tanh(0.5) ** 2)
        near = t + Number(3e-9 - t.data)
        (near * x).backward()
    assert trace.findings == []
    assert {step.twin.missing for step in trace.passes[0].steps} == {None}
    plus = twin_of(trace, "+")
    assert not math.isclose(plus.value, near.data, rel_tol=1e-8)


def test_numbers_of_lower_precision_agree_within_theirs() -> None:
    with gradtui.record() as trace:
        a, b = Number(np.float32(0.1)), Number(np.float32(0.7))
        product = a * b
        (product * product + a).backward()
    assert trace.findings == []
    assert {step.twin.missing for step in trace.passes[0].steps} == {None}


def test_a_node_that_may_be_several_does_not_make_the_pass_be_built_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at: list[str] = []
    choose = Chooser.choose

    def counting(self: Chooser, entry: Any) -> Any:
        looked_at.append(entry.op)
        return choose(self, entry)

    monkeypatch.setattr(Chooser, "choose", counting)
    built: list[bool] = []
    build_all = TwinGraph._build_all

    def noting(self: TwinGraph, order: Any) -> bool:
        built.append(build_all(self, order))
        return built[-1]

    monkeypatch.setattr(TwinGraph, "_build_all", noting)
    trace = watched(lambda a: (a * a).less(2), 1.0)
    assert trace.findings == []
    assert built == [True]
    assert looked_at == ["-"]


@pytest.mark.parametrize(
    ("functions", "op", "side"),
    [
        (["__sub__"], "-", "right"),
        (["__rsub__"], "-", "left"),
        (["_node", "__rsub__"], "-", "left"),
        (["__neg__", "__sub__"], "-", "neg"),
        (["__truediv__"], "*", None),
        (["__rpow__"], "pow", "left"),
        (["relu", "__sub__"], "-", None),
        (["less"], "-", None),
        ([], "-", None),
    ],
)
def test_the_side_of_a_constant(functions: list[str], op: str, side: str | None) -> None:
    assert side_of(functions, op) == side


@pytest.mark.parametrize(
    ("formula", "name"),
    [
        (lambda a: a - 2, "a - 2"),
        (lambda a: 2 - a, "2 - a"),
        (lambda a: -a, "-a"),
        (lambda a: a**3, "a**3"),
        (lambda a: 2**a, "2**a"),
        (lambda a: 1 / a, "1/a"),
        (lambda a: a.less(2), None),
    ],
)
def test_an_expression_is_written_out_with_its_constant_or_not_at_all(
    formula: Formula, name: str | None
) -> None:
    with gradtui.record() as trace:
        a = Number(1.0)
        (formula(a) * a).backward()
    assert next(s.node.name for s in trace.passes[0].steps if len(s.node.inputs) == 1) == name
