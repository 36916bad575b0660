"""Other people's engines, each a small real file: nothing is found in a right one, and each planted bug is."""

from __future__ import annotations

import copy
import functools
import gc
import importlib
import runpy
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gradtui
from gradtui.probe.scalar.graph import Reader
from gradtui.probe.scalar.one_pass import ScalarPass
from gradtui.probe.scalar.report import ScalarReport
from gradtui.scalar import Value
from gradtui.trace import Pass, Trace

ENGINES = Path(__file__).parent / "programs" / "engines"
CLEAN = sorted(ENGINES.glob("*.py"))
BROKEN = sorted((ENGINES / "bugs").glob("*.py"))
SILENT = "gathered"
"""The engine whose steps send nothing: it writes when it is done."""
SENDING = [path for path in CLEAN if path.stem != SILENT]
PATHWISE = {"recursive", "recursive_paths"}
"""Engines whose nodes run inside each other: a node's run is told in parts."""


@pytest.fixture(autouse=True)
def _fresh_modules() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.partition(".")[0] == "littlegrad":
            del sys.modules[name]


def watched(path: Path) -> tuple[Trace, dict[str, Any]]:
    with gradtui.record() as trace:
        namespace = runpy.run_path(str(path))
    return trace, namespace


def numbers(namespace: dict[str, Any]) -> dict[str, Any]:
    """Data and gradient of every engine object that a variable of the program holds."""
    found = {}
    for name, value in namespace.items():
        for data, grad in (("data", "grad"), ("value", "derivative")):
            if not isinstance(value, type) and hasattr(value, data) and hasattr(value, grad):
                found[name] = (getattr(value, data), getattr(value, grad))
    return found


def parts(run: Pass, node: int) -> list[Any]:
    return [sent for step in run.steps for sent in step.message.sent if sent and step.node.id == node]


@pytest.mark.parametrize("path", CLEAN, ids=lambda p: p.stem)
def test_nothing_is_found_in_a_right_engine(path: Path) -> None:
    trace, _ = watched(path)
    assert trace.passes
    assert [f.message for f in trace.findings] == []
    assert trace.notices == []


@pytest.mark.parametrize("path", CLEAN, ids=lambda p: p.stem)
def test_the_numbers_are_those_without_watching(path: Path) -> None:
    plain = numbers(runpy.run_path(str(path)))
    _, namespace = watched(path)
    seen = numbers(namespace)
    assert len(plain) >= 5
    assert {k: repr(v) for k, v in seen.items()} == {k: repr(v) for k, v in plain.items()}


@pytest.mark.parametrize("path", CLEAN, ids=lambda p: p.stem)
def test_every_node_has_its_name_and_line(path: Path) -> None:
    trace, _ = watched(path)
    for run in trace.passes:
        for node in run.nodes.values():
            line = trace.text_of(trace.line_of(node.stack))
            assert line is not None
            assert node.name is not None
            assert trace.source_of(node).partition(":")[0].endswith(path.name)
            variable = node.name.partition("[")[0]
            assert not node.named or line.startswith(f"{variable} = "), (node.name, line)
    assert {"a", "b", "double", "square", "out"} <= {n.name for n in trace.passes[0].nodes.values()}
    assert all(n.named for n in trace.passes[0].nodes.values())


@pytest.mark.parametrize("path", SENDING, ids=lambda p: p.stem)
def test_both_contributions_of_a_plus_a_and_b_times_b_are_told_apart(path: Path) -> None:
    trace, _ = watched(path)
    run = trace.passes[0]
    ids = {node.name: node.id for node in run.nodes.values()}
    for name, operand in (("double", "a"), ("square", "b")):
        assert run.nodes[ids[name]].inputs == (ids[operand],) * 2
        sent = parts(run, ids[name])
        assert [s.to for s in sent] == [ids[operand]] * len(sent)
        assert len(sent) == 2 or path.stem == "recursive_paths"
        assert len({s.after for s in sent}) == len(sent)  # each is seen to arrive
    if path.stem != "recursive_paths":
        assert [s.value for s in parts(run, ids["double"])] == [9.0, 9.0]
        assert [s.value for s in parts(run, ids["square"])] == [-12.0, -12.0]


@pytest.mark.parametrize("path", SENDING, ids=lambda p: p.stem)
def test_every_step_has_its_twin_and_agrees(path: Path) -> None:
    trace, _ = watched(path)
    for run in trace.passes:
        for step in run.steps:
            twin = step.twin
            assert twin is not None
            assert twin.missing is None, step
            assert twin.value == pytest.approx(step.node.value, rel=1e-6)
            if path.stem not in PATHWISE and run.number == 1:
                assert twin.received == pytest.approx(step.message.received[0], rel=1e-6)
                for ours, theirs in zip(step.message.sent, twin.sent):
                    assert (ours.value if ours else 0.0) == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("path", CLEAN, ids=lambda p: p.stem)
def test_leaves_are_accounted_for(path: Path) -> None:
    trace, namespace = watched(path)
    run = trace.passes[-1] if path.stem in ("zeroing", SILENT) else trace.passes[0]
    kept = numbers(namespace)
    leaves = run.leaves
    assert set(leaves) == {"a", "b"}
    if len(trace.passes) == 1:
        assert {name: leaf.after for name, leaf in leaves.items()} == {n: kept[n][1] for n in leaves}


def test_an_engine_that_exists_before_watching_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ENGINES / "installed"))
    littlegrad = importlib.import_module("littlegrad")
    early = littlegrad.Value(2.0)
    with gradtui.record() as trace:
        made = early * early
        made.backward()
    (run,) = trace.passes
    assert run.leaves["early"].after == 4.0
    assert len(parts(run, run.root.id)) == 2
    early.grad = 0.0
    made.backward()
    assert len(trace.passes) == 1  # nothing is watched afterwards


@pytest.mark.parametrize("path", CLEAN, ids=lambda p: p.stem)
def test_the_class_is_handed_back(path: Path) -> None:
    with gradtui.record():
        namespace = runpy.run_path(str(path))
    classes = {type(v) for v in namespace.values()} | {v for v in namespace.values() if isinstance(v, type)}
    for cls in classes:
        for base in cls.__mro__:
            for name, member in vars(base).items():
                code = getattr(member, "__code__", None)
                assert "gradtui/probe" not in getattr(code, "co_filename", ""), (base, name)
                assert not type(member).__module__.startswith("gradtui.probe"), (base, name)


# ------------------------------------------------------------------ planted bugs


def declared(path: Path) -> tuple[list[tuple[str, str]], int | None, int | None]:
    """What a broken engine's file says of itself: (kind, op), the culprit's line, the source's line."""
    lines = path.read_text().splitlines()
    expects = next(line for line in lines if line.startswith("expects: ")).removeprefix("expects: ")
    marked = {
        mark: next((i for i, line in enumerate(lines, 1) if line.endswith(f"# {mark}")), None)
        for mark in ("culprit", "source")
    }
    kind, op = expects.split()
    return [(kind, op)], marked["culprit"], marked["source"]


@pytest.mark.parametrize("path", BROKEN, ids=lambda p: p.stem)
def test_a_planted_bug_is_found_and_nothing_else(path: Path) -> None:
    expects, culprit, source = declared(path)
    trace, _ = watched(path)
    assert [(f.kind, f.op) for f in trace.findings] == expects, [f.message for f in trace.findings]
    (finding,) = trace.findings
    assert source is not None
    assert finding.source.endswith(f"{path.name}:{source}")
    if culprit is not None:
        assert finding.culprit.endswith(f"{path.name}:{culprit}")


def test_the_place_of_a_missing_contribution_is_the_step_function() -> None:
    path = ENGINES / "bugs" / "missing_contribution.py"
    trace, _ = watched(path)
    line = int(trace.findings[0].culprit.rpartition(":")[2])
    assert path.read_text().splitlines()[line - 1].strip() == "def _backward():"


# ------------------------------------------------- what we must not do to a program


def engine(step: Callable[[Any, Any], None] = lambda _, __: None, grad: Any = 0.0, one: Any = 1.0) -> Any:
    """An engine with `+` only, whose `backward` calls `step` on each node before running it."""

    class Own:
        __slots__ = ("_backward", "_op", "_prev", "data", "grad")

        def __init__(self, data: Any, _prev: Any = (), _op: str = "") -> None:
            self.data, self.grad, self._prev, self._op = data, grad, _prev, _op
            self._backward: Callable[[], None] = lambda: None

        def __add__(self, other: Any) -> Any:
            out = Own(self.data + other.data, (self, other), "+")

            def _backward() -> None:
                self.grad = self.grad + out.grad
                other.grad = other.grad + out.grad

            out._backward = _backward
            return out

        def backward(self) -> None:
            self.grad = one
            for node in (self, *self._prev):
                step(self, node)
                node._backward()

    return Own


class Late(Exception):
    """Raised by the program's signal handler."""


ours = functools.partial(getattr, None)
"""Fails in C whatever it is given, so in the very frame of ours that calls it."""


@pytest.mark.parametrize(
    ("room", "name"),
    [
        (Reader, "walk"), (ScalarReport, "_node"), (ScalarPass, "_open"), (ScalarPass, "_close"),
        (ScalarPass, "_settle"), (ScalarPass, "_about_to_write"), (ScalarPass, "_written"),
        (ScalarPass, "account"), (ScalarReport, "after"),
    ],
)  # fmt: skip
def test_a_fault_of_ours_is_a_notice_and_the_program_goes_on(
    room: type, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, name, ours)
    with gradtui.record() as trace:
        Own = engine()
        a, b = Own(2.0), Own(3.0)
        (a + b).backward()
        assert (a.grad, b.grad) == (1.0, 1.0)
    (notice,) = {n.message for n in trace.notices}
    assert notice.startswith("gradtui could not watch ")
    assert all(run.ended is not None for run in trace.passes)


@pytest.mark.parametrize("room", [(Reader, "walk"), (ScalarPass, "_written")], ids=str)
def test_what_a_signal_handler_raises_meanwhile_goes_through(
    room: tuple[type, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def handler(*_: Any) -> None:
        raise Late

    before = signal.signal(signal.SIGUSR1, handler)
    monkeypatch.setattr(*room, lambda *_: signal.raise_signal(signal.SIGUSR1))
    try:
        with gradtui.record():
            a = Value(2.0)
            with pytest.raises(Late):
                (a + a).backward()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_gradients_of_the_programs_own_class_are_left_alone() -> None:
    class Dual:
        def __init__(self, x: float) -> None:
            self.x = x

        def __add__(self, other: Any) -> Any:
            return Dual(self.x + other.x)

        def __eq__(self, other: object) -> bool:
            raise Late

        __hash__ = None  # type: ignore[assignment]

    with gradtui.record() as trace:
        Own = engine(grad=Dual(0.0), one=Dual(1.0))
        a = Own(2.0)
        (a + a).backward()
    assert a.grad.x == 2.0
    assert (trace.findings, trace.notices) == ([], [])
    assert len(trace.passes[0].steps) == 3


def test_a_recursion_limit_that_the_program_sets_stays() -> None:
    before = sys.getrecursionlimit()
    try:
        with gradtui.record():
            Own = engine(lambda _, __: sys.setrecursionlimit(20_000))
            (Own(1.0) + Own(2.0)).backward()
        assert sys.getrecursionlimit() == 20_000
    finally:
        sys.setrecursionlimit(before)


@pytest.mark.parametrize("slots", [False, True])
def test_a_copy_is_not_taken_for_the_dead_object_at_its_address(slots: bool) -> None:
    with gradtui.record() as trace:
        Own = engine() if slots else Value

        def addresses_of_dead() -> set[int]:
            dead = [Own(float(i)) for i in range(300)]
            for first, second in zip(dead[::2], dead[1::2]):
                (first + second).backward()
            return {id(v) for v in dead}

        addresses = addresses_of_dead()
        seen = {node for run in trace.passes for node in run.nodes}
        gc.collect()
        x = Own(2.0)
        copies = [copy.copy(x) for _ in range(2000)]
        again = next((c for c in copies if id(c) in addresses), None)
        if again is None:
            pytest.skip("no address was used again")
        (again + x).backward()
    run = trace.passes[-1]
    assert not seen & set(run.nodes)
    assert {n.value for n in run.nodes.values() if n.leaf} == {2.0}


def test_what_leaves_held_before_is_told_for_every_number() -> None:
    numpy = pytest.importorskip("numpy")
    with gradtui.record() as trace:
        zero, none, single, array = Value(1.0), Value(1.0), Value(1.0), Value(1.0)
        none.grad = None  # type: ignore[assignment]
        single.grad = numpy.float32(7.0)
        array.grad = numpy.array([1.0, 2.0])  # type: ignore[assignment]
        total = zero + none + single + array
        with pytest.raises(TypeError):
            total.backward()
    run = trace.passes[0]
    held = {run.nodes[i].name: v for i, v in run.began.before}
    assert set(held) == {"zero", "single", "array"}
    assert (held["zero"], held["single"], held["array"].values) == (0.0, 7.0, (1.0, 2.0))
    told = {a.node: a.before for a in run.ended.leaves}
    assert all(told.get(i, v) == v for i, v in run.began.before)


def test_the_precision_of_the_engines_numbers_is_told() -> None:
    numpy = pytest.importorskip("numpy")
    with gradtui.record() as trace:
        wide, narrow = Value(1.0), Value(numpy.float32(0.1))
        (wide * narrow).backward()
    nodes = {n.name: n for n in trace.passes[0].nodes.values()}
    assert nodes["wide"].precision == sys.float_info.epsilon
    assert nodes["narrow"].precision == pytest.approx(float(numpy.finfo(numpy.float32).eps))
    assert nodes["narrow"].value == float(numpy.float32(0.1))


def test_recordings_inside_each_other_see_the_same() -> None:
    with gradtui.record() as outer:
        with gradtui.record() as inner:
            a = Value(2.0)
            y = a * a + a
            y.backward()
        y.backward()

    def told(run: Pass) -> list[Any]:
        return [(s.node.name, s.op, [c and c.value for c in s.message.sent]) for s in run.steps]

    assert {run.engine for run in (*inner.passes, *outer.passes)} == {"scalar"}  # and no twin's own pass
    assert told(inner.passes[0]) == told(outer.passes[0])
    assert (len(inner.passes), len(outer.passes)) == (1, 2)
    assert a.grad == 14.0  # what lies between adds up too


def test_an_overwriting_engine_is_found_by_both_of_two_recordings() -> None:
    path = ENGINES / "bugs" / "overwrite_add.py"
    with gradtui.record() as outer, gradtui.record() as inner:
        runpy.run_path(str(path))
    assert [f.kind for f in outer.findings] == [f.kind for f in inner.findings] != []
