"""Findings beyond one planted bug: what is no fault, what is local, and numbers that are not finite."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import Any

import micrograd.engine
import pytest
import torch

import gradtui
from gradtui.scalar import Value
from gradtui.trace import Trace

HERE = Path(__file__).name


def kinds(trace: Trace) -> list[tuple[str, str]]:
    return [(f.kind, f.op) for f in trace.findings]


class Student:
    """An engine whose tanh has a wrong derivative, and nothing else."""

    def __init__(self, data: float, _children: Any = (), _op: str = "") -> None:
        self.data = data
        self.grad = 0.0
        self._prev = set(_children)
        self._op = _op
        self._backward = lambda: None

    def __add__(self, other: Student) -> Student:
        out = Student(self.data + other.data, (self, other), "+")

        def _backward() -> None:
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other: Student) -> Student:
        out = Student(self.data * other.data, (self, other), "*")

        def _backward() -> None:
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def tanh(self) -> Student:
        out = Student(math.tanh(self.data), (self,), "tanh")

        def _backward() -> None:
            self.grad += (1 - out.data) * out.grad  # the culprit

        out._backward = _backward
        return out

    def softplus(self) -> Student:
        return self._named("softplus", math.log1p(math.exp(self.data)))

    def mystery(self) -> Student:
        return self._named("mystery", 2 * self.data)

    def _named(self, op: str, data: float) -> Student:
        out = Student(data, (self,), op)

        def _backward() -> None:
            self.grad += 2 * out.grad

        out._backward = _backward
        return out

    def backward(self) -> None:
        order: list[Student] = []

        def visit(v: Student) -> None:
            if v not in order:
                for child in v._prev:
                    visit(child)
                order.append(v)

        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            v._backward()


def test_values_that_are_wrong_only_because_inherited_are_no_findings() -> None:
    with gradtui.record() as trace:
        x = Student(0.5)
        y = x * x
        t = (y * y).tanh()  # the one fault, far above the leaves
        o = t * t
        o.backward()
    (finding,) = trace.findings
    assert (finding.kind, finding.op, finding.name) == ("twin-mismatch", "tanh", "t")
    assert x.grad != pytest.approx(trace.passes[0].steps[-1].twin.received)
    text = Path(__file__).read_text().splitlines()
    assert text[int(finding.culprit.rpartition(":")[2]) - 1].endswith("# the culprit")
    assert text[int(finding.source.rpartition(":")[2]) - 1].strip().startswith("t = ")


def test_the_same_fault_is_told_once_in_a_loop() -> None:
    with gradtui.record() as trace:
        w = Student(0.5)
        for _ in range(5):
            (w * w).tanh().backward()
            w.grad = 0.0
    assert kinds(trace) == [("twin-mismatch", "tanh")]


def test_an_op_without_a_twin_is_said_and_never_guessed() -> None:
    with gradtui.record() as trace:
        x = Student(0.5)
        m = x.mystery()
        o = m * x
        o.backward()
    assert trace.findings == []
    told = {s.node.name: s.twin for s in trace.passes[0].steps}
    assert told["m"].missing == "no twin for op 'mystery'"
    assert told["o"].missing is None
    assert "mystery" in told["x"].missing


def test_a_forward_value_that_disagrees_is_said() -> None:
    with gradtui.record() as trace:
        x = Student(0.5)
        o = x._named("exp", 99.0)
        o.backward()
    assert trace.findings == []
    assert trace.passes[0].steps[0].twin.missing == "torch's 'exp' gives another forward value than 99.0"


@pytest.mark.parametrize("engine", [micrograd.engine.Value, Value])
def test_backward_twice_gives_36_for_the_old_gradient_of_an_inner_node(engine: Any) -> None:
    with gradtui.record() as trace:
        x = engine(2.0)
        y = x * x * 3
        y.backward()
        y.backward()
    assert x.grad == 36.0  # torch: 24; inner nodes keep their old gradient
    (finding,) = trace.findings
    assert (finding.kind, finding.pass_number, finding.name) == ("stale-gradient", 2, "x*x")
    assert len(trace.passes) == 2
    assert trace.passes[1].leaves["x"].before == 12.0


def test_gradients_left_from_a_pass_before_are_no_fault_of_a_step() -> None:
    with gradtui.record() as trace:
        w = Value(3.0)
        for _ in range(3):
            loss = (w * 2.0 - 1.0) ** 2
            loss.backward()
    assert trace.findings == []
    assert trace.passes[2].leaves["w"].before == 40.0


def test_a_step_that_raises_is_not_blamed_for_what_it_did_not_send() -> None:
    with gradtui.record() as trace:
        a = Value(2.0)
        b = a * a
        b._backward = lambda: 1 / 0  # type: ignore[assignment, return-value]
        c = b + a
        with pytest.raises(ZeroDivisionError):
            c.backward()
        a.grad = 0.0
        (a * 3).backward()
    assert trace.findings == []
    assert trace.passes[0].ended.error == "ZeroDivisionError: division by zero"
    assert a.grad == 3.0


def test_an_operation_without_a_backward_is_found() -> None:
    with gradtui.record() as trace:
        a = Student(2.0)
        b = Student(6.0, (a,), "neg")
        b.data = -2.0
        b.backward()
    assert kinds(trace) == [("twin-mismatch", "neg")]


def test_passes_of_several_threads_are_each_watched_or_told_of() -> None:
    grads: list[float] = []

    def work() -> None:
        for _ in range(20):
            a = Value(2.0)
            (a * a + a).backward()
            grads.append(a.grad)

    with gradtui.record(twin=False) as trace:
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert grads == [5.0] * 60
    assert len(trace.passes) == 60 or len(trace.notices) == 1
    assert trace.findings == []
    assert all(len(run.steps) == 3 for run in trace.passes)


# --------------------------------------------------------------------- not finite


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda x: (x * 0.0).log(), "y"),
        (lambda x: 1.0 / (x - x), None),
        (lambda x: (x * 1000.0).exp(), "y"),
    ],
)
def test_a_forward_value_that_is_not_finite(make: Any, name: str | None) -> None:
    with gradtui.record() as trace:
        x = Value(1.0)
        y = make(x)
        (y + x).backward()
    first = trace.findings[0]
    assert first.kind == "nonfinite"
    assert first.step == 0
    assert name is None or first.name == name
    assert first.source.startswith(("tests/" + HERE, HERE)) or HERE in first.source
    assert {f.kind for f in trace.findings} == {"nonfinite"}


def test_a_gradient_that_is_not_finite_where_all_values_are() -> None:
    with gradtui.record() as trace:
        x = Value(0.0)
        root = x**0.5
        o = root * 3.0
        o.backward()
    (finding,) = trace.findings
    assert (finding.kind, finding.op, finding.name) == ("nonfinite", "**0.5", "root")
    assert finding.step == 2


def test_a_gradient_that_is_not_finite_in_torch() -> None:
    with gradtui.record() as trace:
        x = torch.tensor([0.0, 4.0], requires_grad=True)
        root = x.sqrt()
        root.sum().backward()
    (finding,) = trace.findings
    assert (finding.kind, finding.op, finding.name) == ("nonfinite", "SqrtBackward0", "root")
    assert HERE in finding.source


def test_a_gradient_that_was_not_finite_before_is_nobodys_fault_below() -> None:
    with gradtui.record() as trace:
        x = Value(2.0)
        (x * x).backward()
        x.grad = math.nan
        (x * x * x).backward()
    assert trace.findings == []


def test_big_numbers_are_no_mismatch() -> None:
    with gradtui.record() as trace:
        x = Value(1e9)
        y = x * 1e-9
        ((x + y) * (x - y) + y).backward()
    assert trace.findings == []


class NoRevisit:
    """Walks breadth first and does not ask whether it has been at a node."""

    def __init__(self, data: float, _prev: tuple[Any, ...] = (), _op: str = "") -> None:
        self.data, self.grad, self._prev, self._op = data, 0.0, _prev, _op
        self._backward = lambda: None

    def __add__(self, other: NoRevisit) -> NoRevisit:
        out = NoRevisit(self.data + other.data, (self, other), "+")

        def _backward() -> None:
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other: NoRevisit) -> NoRevisit:
        out = NoRevisit(self.data * other.data, (self, other), "*")

        def _backward() -> None:
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def backward(self) -> None:
        self.grad = 1.0
        queue = [self]
        while queue:
            node = queue.pop(0)
            node._backward()
            queue += node._prev


@pytest.mark.parametrize("twin", [True, False])
def test_a_node_that_runs_again_and_sends_all_of_it_again(twin: bool) -> None:
    with gradtui.record(twin=twin) as trace:
        a, b = NoRevisit(2.0), NoRevisit(3.0)
        c = a * b
        d = c + c
        d.backward()
    assert (a.grad, b.grad) == (12.0, 8.0)  # 6 and 4 are right
    (finding,) = trace.findings
    assert (finding.kind, finding.step, finding.name) == ("order", 3, "c")
    assert "ran again at step 3 and passed on 2, of which it had passed on 2 at step 2" in finding.message


def test_a_leaf_unlike_torchs_is_found_where_no_rule_knows_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradtui.trace.rules.ran_again", lambda *_: iter(()))
    with gradtui.record() as trace:
        a, b = NoRevisit(2.0), NoRevisit(3.0)
        c = a * b
        d = c + c
        d.backward()
    (finding,) = trace.findings
    assert (finding.kind, finding.name) == ("twin-mismatch", "a")
    assert "was sent 12 in this pass, where torch sends it 6" in finding.message
