"""Names come from what the program holds; looking for them runs none of its code."""

from __future__ import annotations

import inspect
import sys
from collections import OrderedDict, defaultdict, namedtuple
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import gradtui
from gradtui.probe import names
from gradtui.probe.names import search
from gradtui.probe.written import written_out
from gradtui.scalar import Value
from gradtui.scalar.nn import MLP


class Trap:
    """Everything that could be asked of it raises."""

    def __init__(self, held: Any) -> None:
        object.__setattr__(self, "held", held)

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"somebody asked for {name}")

    def _trap(self, *_: Any) -> Any:
        raise AssertionError("somebody called")

    __iter__ = __len__ = __bool__ = __eq__ = __hash__ = __getitem__ = __repr__ = _trap  # type: ignore[assignment]
    __class__ = property(_trap)  # type: ignore[assignment]


class TrappedList(list):  # type: ignore[type-arg]
    def _trap(self, *_: Any) -> Any:
        raise AssertionError("somebody called")

    __iter__ = __len__ = __getitem__ = __bool__ = _trap  # type: ignore[assignment]


class TrappedDict(dict):  # type: ignore[type-arg]
    def _trap(self, *_: Any) -> Any:
        raise AssertionError("somebody called")

    items = keys = values = __iter__ = __len__ = __getitem__ = _trap  # type: ignore[assignment]


class Slotted:
    __slots__ = ("held", "never")

    def __init__(self, held: Any) -> None:
        self.held = held


class Computed:
    @property
    def late(self) -> Any:
        raise AssertionError("a property ran")


def found_value() -> str | None:
    """The path under which the caller's variables hold a `Value`."""
    paths: list[str] = []

    def claim(obj: Any, path: str) -> bool:
        if type(obj) is Value:
            paths.append(path)
        return type(obj) is Value

    names.search([sys._getframe(1)], claim, lambda: bool(paths))
    return paths[0] if paths else None


@pytest.mark.parametrize(
    ("hold", "path"),
    [
        (lambda v: v, "box"),
        (lambda v: [None, v], "box[1]"),
        (lambda v: ({"a": v},), "box[0]['a']"),
        (lambda v: {3: v}, "box[3]"),
        (lambda v: SimpleNamespace(x=v), "box.x"),
        (lambda v: OrderedDict(k=v), "box['k']"),
        (lambda v: defaultdict(list, k=[v]), "box['k'][0]"),
        (lambda v: namedtuple("Pair", "x y")(1, v), "box[1]"),
        (lambda v: Slotted(v), "box.held"),
        (lambda v: Trap(v), "box.held"),
        (lambda v: TrappedList([v]), "box[0]"),
        (lambda v: TrappedDict(k=v), "box['k']"),
    ],
)
def test_paths_are_what_a_user_would_write(hold: Any, path: str) -> None:
    box = hold(Value(1.0))  # held by nothing else
    assert found_value() == path
    del box


def test_strange_objects_in_scope_are_left_alone() -> None:
    trap, computed, looped = Trap(None), Computed(), []
    looped.append(looped)
    module = sys
    with gradtui.record() as trace:
        a = Value(2.0)
        b = a * a
        b.backward()
    assert {n.name for n in trace.passes[0].nodes.values()} == {"a", "b"}
    assert trace.notices == []
    del trap, computed, module


def test_the_nearest_and_shortest_name_wins() -> None:
    with gradtui.record() as trace:
        weight = Value(2.0)
        box = [[weight]]
        (box[0][0] * 3.0).backward()
    assert set(trace.passes[0].leaves) == {"weight"}


def test_a_loop_variable_names_nothing_that_has_another_name() -> None:
    with gradtui.record() as trace:
        a, b = Value(2.0), Value(3.0)
        parameters = [a, b]
        total = Value(0.0)
        del a, b
        for p in parameters:
            total = total + p * p
        total.backward()
    assert {"parameters[0]", "parameters[1]"} <= set(trace.passes[0].leaves)


def test_parameters_of_a_model_are_named_by_their_path_in_every_pass() -> None:
    with gradtui.record(twin=False) as trace:
        for _ in range(2):
            model = MLP(2, [2, 1])
            for _ in range(2):
                xs = [Value(1.0), Value(-2.0)]
                model(xs).backward()
    for run in trace.passes:
        assert {"model.layers[0].neurons[1].w[0]", "model.layers[1].neurons[0].b", "xs[1]"} <= set(run.leaves)


def test_a_name_stays_with_its_value() -> None:
    with gradtui.record() as trace:
        a = Value(2.0)
        for _ in range(3):
            (a * a).backward()
    assert [set(run.leaves) for run in trace.passes] == [{"a"}] * 3
    assert len({run.leaves["a"].node.id for run in trace.passes}) == 1


def test_a_variable_that_holds_another_object_now_names_that_one() -> None:
    with gradtui.record() as trace:
        x = Value(2.0)
        (x * x).backward()
        old = x
        x = Value(3.0)
        (x * old).backward()
        (old * old).backward()
    assert [{n.name for n in run.nodes.values()} for run in trace.passes] == [
        {"x*x", "x"},
        {"x*old", "x", "old"},
        {"old*old", "old"},
    ]


def test_constants_are_written_as_numbers_and_have_no_gradient_to_want() -> None:
    with gradtui.record() as trace:
        a = Value(2.0)
        y = 3 * a + 1
        y.backward()
    nodes = {n.name: n for n in trace.passes[0].nodes.values()}
    assert set(nodes) == {"y", "a*3", "a", "3", "1"}
    assert [n for n, node in nodes.items() if not node.requires_grad] == ["3", "1"] or not any(
        nodes[n].requires_grad for n in ("3", "1")
    )
    assert nodes["a"].requires_grad


def test_variables_that_nobody_wrote_name_nothing_that_has_another_name() -> None:
    a = Value(2.0)
    notebook: dict[str, Any] = {"_3": a, "@py_assert1": a, "__": a, "weight": a}
    exec("import sys; frame = sys._getframe()", notebook)
    paths: list[str] = []
    names.search([notebook["frame"]], lambda obj, path: obj is a and not paths.append(path), lambda: False)
    assert paths == ["weight"]


def test_labels_name_what_no_variable_holds() -> None:
    with gradtui.record() as trace:
        (Value(2.0, label="left") * Value(3.0, label="right")).backward()
    assert {n.name for n in trace.passes[0].nodes.values()} == {"left", "right", "left*right"}


@pytest.mark.parametrize(
    ("op", "operands", "text"),
    [
        ("+", ["a", "b"], "a + b"),
        ("*", ["a + b", "c"], "(a + b)*c"),
        ("-", ["a", "b - c"], "a - (b - c)"),
        ("-", ["a - b", "c"], "a - b - c"),
        ("/", ["a", "b*c"], "a/(b*c)"),
        ("**2", ["x"], "x**2"),
        ("**2", ["x + y"], "(x + y)**2"),
        ("**2", ["-x"], "(-x)**2"),
        ("**", ["x", "y"], "x**y"),
        ("neg", ["a + b"], "-(a + b)"),
        ("neg", ["a*b"], "-a*b"),
        ("ReLU", ["n"], "relu(n)"),
        ("tanh", ["a + b"], "tanh(a + b)"),
        ("+", ["a", None], None),
        ("+", ["a" * 30, "b" * 30], None),
        ("+", [], None),
        ("??", ["a"], None),
    ],
)
def test_expressions_are_written_as_maths(op: str, operands: list[str | None], text: str | None) -> None:
    assert written_out(op, operands) == text


def test_a_trace_in_scope_is_not_looked_into() -> None:
    met: list[str] = []
    with gradtui.record() as trace:
        value = [torch.ones(1, requires_grad=True)]
        (value[0] * 2).backward()

    def claim(_: object, path: str) -> bool:
        met.append(path)
        return False

    search([inspect.currentframe()], claim, lambda: False)  # type: ignore[list-item]
    assert "value[0]" in met
    assert not [path for path in met if path.startswith("trace")]
    assert len(trace.passes) == 1


def test_a_stale_view_in_scope_costs_nothing() -> None:
    w = torch.ones(3, 4, requires_grad=True)
    x = w * 1
    first, *_ = x.unbind(0)
    x.mul_(2)
    with pytest.raises(RuntimeError, match="view"):
        _ = first.grad_fn
    with gradtui.record() as trace:
        x.sum().backward()
    assert trace.passes[0].nodes
    assert not trace.notices


def test_what_a_module_holds_is_not_asked_for_its_class() -> None:
    net = torch.nn.Linear(2, 2)
    vars(net)["trap"] = Trap(None)
    with gradtui.record() as trace:
        net(torch.ones(2)).sum().backward()
    assert "net.weight" in trace.passes[0].leaves


def test_a_search_that_fails_costs_the_names_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradtui.probe.pytorch.names._Search.run", {}.__getitem__)  # raises, as ours
    w = torch.ones(2, requires_grad=True)
    with gradtui.record() as trace:
        w.sum().backward()
    assert len(trace.passes[0].steps) == 2
    (notice,) = trace.notices
    assert notice.message.startswith("gradtui could not look for names: TypeError")
