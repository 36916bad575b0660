"""A fault of ours becomes a notice; what the program's signal handler raises reaches the program."""

from __future__ import annotations

import gc
import io
import signal
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest
import torch

import gradtui
from gradtui.probe.output import ProgramOutput
from gradtui.probe.places import Places
from gradtui.probe.probe import Probe
from gradtui.probe.pytorch import one_pass, reading, watcher
from gradtui.probe.reporter import Reporter
from gradtui.session.breakpoints import parse
from gradtui.wire.channel import MemoryChannel
from gradtui.wire.messages import Break


@contextmanager
def interrupted() -> Iterator[Callable[[], None]]:
    """A function during which the program's `SIGALRM` handler is called, which raises."""

    def handler(*_: object) -> None:
        raise TimeoutError("too slow")

    before = signal.signal(signal.SIGALRM, handler)
    try:
        yield lambda: signal.raise_signal(signal.SIGALRM)
    finally:
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("module", "reads"),
    [(watcher, "summarize"), (reading, "read")],
    ids=["as a pass begins", "in a hook"],
)
def test_what_a_signal_handler_raises_in_our_code_reaches_the_program(
    module: ModuleType, reads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = torch.tensor(1.0, requires_grad=True)
    with interrupted() as alarm, gradtui.record() as trace:
        with monkeypatch.context() as patch:
            patch.setattr(module, reads, lambda *_: alarm())
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
    monkeypatch.setattr(one_pass, "read_saved", None)
    w = torch.tensor(1.0, requires_grad=True)
    with gradtui.record() as trace:
        (w * 2).backward()
    assert w.grad.item() == 2.0
    assert ["could not look at a node" in notice.message for notice in trace.notices] == [True]


def test_hooks_that_cannot_all_be_installed_are_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(one_pass.TorchPass, "_after_node")  # missed when the first prehook stands
    w = torch.tensor(1.0, requires_grad=True)
    loss = (w * 2).sum()
    with gradtui.record() as trace:
        loss.backward(retain_graph=True)
    assert w.grad.item() == 2.0
    assert [len(run.steps) for run in trace.passes] == [0]
    assert ["could not look at a node" in notice.message for notice in trace.notices] == [True]
    gc.collect()
    assert not [o for o in gc.get_objects() if type(o) is one_pass.TorchPass]


def test_an_exception_that_cannot_be_told_reaches_the_program_as_it_is() -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise AttributeError("no text")

    def raises(_: Any) -> None:
        raise Odd

    w = torch.tensor(1.0, requires_grad=True)
    doubled = w * 2
    doubled.register_hook(raises)
    with gradtui.record() as trace, pytest.raises(Odd):
        doubled.backward()
    assert trace.passes[0].ended is not None
    assert trace.passes[0].ended.error == "Odd"


def test_what_an_author_keeps_on_a_node_is_not_taken_for_torchs() -> None:
    class Named(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.name, ctx.variable = "mine", x
            return x * 2

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            return gradient * 2

    w = torch.tensor(1.0, requires_grad=True)
    with gradtui.record() as trace:
        Named.apply(w).backward()
    assert [(step.op, step.node.leaf) for step in trace.passes[0].steps] == [
        ("NamedBackward", False),
        ("AccumulateGrad", True),
    ]
    assert trace.notices == []


@pytest.mark.parametrize("light", [False, True])
def test_a_pass_leaves_nothing_for_the_collector(light: bool) -> None:
    w = torch.ones(3, requires_grad=True)
    probe = Probe(MemoryChannel(lambda _: None), scan=False)
    if light:
        probe.reporter.stops.keep_light()
        probe.reporter.stops._obey(Break((parse("nonfinite", 1),)), None)
    gc.collect()
    gc.disable()
    try:
        with probe:
            loss = (w * 2).sum()
            loss.backward()
            alive = weakref.ref(loss)
            del loss
            assert alive() is None
    finally:
        gc.enable()
