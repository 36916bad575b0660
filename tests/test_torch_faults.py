"""A fault of ours becomes a notice; what the program's signal handler raises reaches the program."""

from __future__ import annotations

import gc
import io
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest
import torch

import gradtui
from gradtui.probe import reading, torch_pass, torch_watcher
from gradtui.probe.output import ProgramOutput
from gradtui.probe.places import Places
from gradtui.probe.reporter import Reporter
from gradtui.wire.channel import MemoryChannel


@contextmanager
def interrupted() -> Iterator[Callable[[], None]]:
    """A function that returns only when the program's `SIGALRM` handler has raised out of it."""

    def handler(*_: object) -> None:
        raise TimeoutError("too slow")

    def alarm() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        time.sleep(30)

    before = signal.signal(signal.SIGALRM, handler)
    try:
        yield alarm
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("module", "reads"),
    [(torch_watcher, "summarize"), (reading, "read")],
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
    monkeypatch.setattr(torch_pass, "read_saved", None)
    w = torch.tensor(1.0, requires_grad=True)
    with gradtui.record() as trace:
        (w * 2).backward()
    assert w.grad.item() == 2.0
    assert ["could not look at a node" in notice.message for notice in trace.notices] == [True]


def test_hooks_that_cannot_all_be_installed_are_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch_pass.TorchPass, "_after_node")  # missed when the first prehook stands
    w = torch.tensor(1.0, requires_grad=True)
    loss = (w * 2).sum()
    with gradtui.record() as trace:
        loss.backward(retain_graph=True)
    assert w.grad.item() == 2.0
    assert [len(run.steps) for run in trace.passes] == [0]
    assert ["could not look at a node" in notice.message for notice in trace.notices] == [True]
    gc.collect()
    assert not [o for o in gc.get_objects() if type(o) is torch_pass.TorchPass]
