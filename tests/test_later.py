"""Gradients on a device are not waited for. There is none here: this machine's memory is taken for one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from driving import driven
from msgspec import structs
from torch import nn

import gradtui
from gradtui.probe.pytorch import later, reading, watcher
from gradtui.probe.pytorch.later import PROMISE, Later
from gradtui.session.breakpoints import parse
from gradtui.trace import Trace
from gradtui.wire.messages import Stepped, Summary


class Device:
    """Counts how often it was waited for."""

    def __init__(self) -> None:
        self.waits = 0


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    found = Device()

    def attention(of: watcher.TorchWatcher, hooks: Any, *rest: Any) -> Any:
        before(of, hooks, *rest)
        hooks.in_order = False  # as where a leaf lies on one
        return "whole"

    def fetch(of: Later, *rest: Any) -> None:
        found.waits += 1
        fetched(of, *rest)

    before, fetched = watcher.TorchWatcher._attention, Later._fetch
    monkeypatch.setattr(later, "is_far", lambda _: True)
    monkeypatch.setattr(watcher.TorchWatcher, "_attention", attention)
    monkeypatch.setattr(Later, "_fetch", fetch)
    return found


def train(passes: int = 3, bad: bool = False) -> list[torch.Tensor]:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(30, 40), nn.ReLU(), nn.LayerNorm(40), nn.Linear(40, 3))
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    for _ in range(passes):
        loss = net(torch.randn(8, 30)).pow(2).mean()
        if bad:
            loss = loss + (net[0].weight * 0).sqrt().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return [p.detach() for p in net.parameters()]


def told(trace: Trace) -> list[Any]:
    """Of each step what a device is asked for: small tensors whole, of larger ones the norm."""

    def brief(value: Any) -> Any:
        if isinstance(value, Summary):
            assert value.note != PROMISE
            numbers = [value.norm] if value.values is None else list(value.values)
            return value.shape, value.dtype, [f"{number:.4g}" for number in numbers]
        return value

    steps = []
    for run in trace.passes:
        for step in run.messages:
            sent = [None if s is None else (s.to, brief(s.value)) for s in step.sent]
            account = None if step.accumulated is None else [*map(brief, structs.astuple(step.accumulated))]
            steps.append((step.step, step.node, [*map(brief, step.received)], sent, account))
    return steps


@pytest.mark.parametrize("bad", [False, True])
def test_what_is_told_is_the_same_and_a_pass_waits_once(bad: bool, request: pytest.FixtureRequest) -> None:
    with gradtui.record() as here:
        plain = train(bad=bad)
    device = request.getfixturevalue("device")
    with gradtui.record() as there:
        assert all(torch.equal(a.nan_to_num(7), b.nan_to_num(7)) for a, b in zip(train(bad=bad), plain))
    assert told(there) == told(here)
    assert device.waits == 3
    assert [(f.kind, f.step, f.name) for f in there.findings] == [
        (f.kind, f.step, f.name) for f in here.findings
    ]
    assert not there.notices


def test_while_it_records_nothing_is_read_at_a_node(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(tensor: torch.Tensor, *_: Any) -> Summary:
        raise AssertionError(f"{tensor.shape} was read")

    w = torch.full((100,), 2.0, requires_grad=True)
    loss = (w * w).sum()
    with gradtui.record() as trace:
        monkeypatch.setattr(reading, "read", read)
        loss.backward()
    assert len(trace.passes[0].steps) == 3
    assert trace.passes[0].leaves["w"].after.norm == pytest.approx(40)


def test_a_gradient_is_told_as_it_was(device: Device) -> None:
    w = torch.ones(3, dtype=torch.float64, requires_grad=True)
    with gradtui.record() as trace:
        for _ in range(2):
            (w * 2).sum().backward()  # the second time it is added to in place
    assert [run.leaves["w"].after.values for run in trace.passes] == [(2.0,) * 3, (4.0,) * 3]


def test_very_many_are_brought_over_on_the_way(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradtui.probe.pytorch.telling.MOST", 10)
    x = torch.ones(100, requires_grad=True)
    y = x
    for _ in range(50):
        y = y * 1.5
    with gradtui.record() as trace:
        y.sum().backward()
    assert [step.message.step for step in trace.passes[0].steps] == list(range(1, 53))
    assert 5 <= device.waits <= 7


def test_what_ran_before_a_pass_inside_is_told_before_it(device: Device) -> None:
    w = torch.ones(100, requires_grad=True)
    inner = (w * 2).sum()
    h = w * 3
    h.register_hook(lambda _: inner.backward())
    with gradtui.record() as trace:
        h.sum().backward()
    assert [len(run.steps) for run in trace.passes] == [3, 3]
    assert trace.passes[0].steps[0].message.step == 1
    assert trace.passes[0].leaves["w"].before.norm == 20


def test_a_pass_that_fails_tells_how_far_it_came(device: Device) -> None:
    def fail(_: torch.Tensor) -> None:
        raise ValueError("enough")

    w = torch.ones(100, requires_grad=True)
    h = w * 3
    h.register_hook(fail)
    with gradtui.record() as trace, pytest.raises(ValueError, match="enough"):
        (h * 2).sum().backward()
    assert len(trace.passes[0].steps) == 2
    assert trace.passes[0].ended is not None
    assert trace.passes[0].ended.error == "ValueError: enough"


PROGRAM = """
import torch
from gradtui.probe.pytorch import later

later.is_far = lambda _: True
w = torch.ones(100, requires_grad=True)
for slope in (1.0, 2.0, 3.0):
    (w * slope).sum().backward()
"""


@pytest.mark.parametrize(("text", "at"), [("norm>25 op=Mul*", (3, 2)), ("pass=2 op=Mul*", (2, 1))])
def test_where_a_breakpoint_is_armed_it_is_waited_for(text: str, at: tuple[int, int], tmp_path: Path) -> None:
    (tmp_path / "far.py").write_text(PROGRAM)
    with driven(str(tmp_path / "far.py"), stop=True) as run:
        run.stop()
        run.session.set_breakpoints((parse(text, 1),))
        assert run.go("end") == ("breakpoint", *at)
        steps = [(event.number, event.step) for event in run.of(Stepped)]
        assert steps == [(n, step) for n in (1, 2, 3) for step in (1, 2, 3) if (n, step) <= at]


class Fails(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x * 1

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        raise ValueError("enough")


def test_what_a_node_received_that_failed_is_known(device: Device) -> None:
    w = torch.ones(100, requires_grad=True)
    with gradtui.record() as trace, pytest.raises(ValueError, match="enough"):
        (Fails.apply(w) * 2).sum().backward()
    assert "received float32[100] of norm 20" in trace.findings[0].message


def test_tensors_of_eight_bits_are_read_where_they_are(device: Device) -> None:
    w = torch.ones(200, requires_grad=True)
    with gradtui.record() as trace:
        w.to(torch.float8_e4m3fn).to(torch.float32).sum().backward()
    assert len(trace.passes[0].steps) == 4
    assert not trace.notices


def test_what_ends_the_waiting_loses_no_step(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    promises, numbers = Later(), torch.ones(3)
    promise = promises.promise(numbers)
    fetch = Later._fetch

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Later, "_fetch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        promises.settle()
    monkeypatch.setattr(Later, "_fetch", fetch)
    promises.settle()
    value = promises.value(promise)
    assert isinstance(value, Summary)
    assert value.values == (1.0, 1.0, 1.0)
