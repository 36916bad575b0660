"""Handlers of the program's that run, and raise, at any moment of a watched pass."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch

import gradtui
from gradtui.probe.signals import Held


class Interrupted(Exception):
    """Raised by handlers below."""


@contextmanager
def handling(number: int, handler: Callable[..., object]) -> Iterator[None]:
    """A handler of the program's for a while."""
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def test_a_handler_waits_though_other_threads_take_signals() -> None:
    ran: list[int] = []
    over = threading.Event()
    other = threading.Thread(target=over.wait)
    other.start()
    with handling(signal.SIGUSR1, lambda *_: ran.append(1)):
        mine = signal.getsignal(signal.SIGUSR1)
        held = Held()
        held.take()
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGUSR1)
        time.sleep(0.05)
        assert not ran
        held.release()
        assert ran == [1], "what came several times meanwhile is delivered once, as by the system"
        assert signal.getsignal(signal.SIGUSR1) is mine
        held.release()
        assert ran == [1]
    over.set()
    other.join()


def test_handlers_are_back_though_one_raises() -> None:
    def raises(*_: object) -> None:
        raise Interrupted

    with handling(signal.SIGUSR1, raises), handling(signal.SIGUSR2, raises):
        held = Held()
        held.take()
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR2)
        with pytest.raises(Interrupted):
            held.release()
        assert signal.getsignal(signal.SIGUSR1) is signal.getsignal(signal.SIGUSR2) is raises


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # in a callback of the collector
def test_a_pass_that_is_interrupted_anywhere_ends_and_leaves_no_hook() -> None:
    """The graph is retained: a hook that was left would tell of the next passes."""
    may_raise = False

    def raises(*_: object) -> None:
        nonlocal may_raise
        if may_raise:
            may_raise = False
            raise Interrupted

    chance = random.Random(0)
    with handling(signal.SIGALRM, raises), gradtui.record() as trace:
        x = torch.ones(3, requires_grad=True)
        y = x
        for _ in range(200):
            y = y * 1.001
        loss = y.sum()
        began = time.perf_counter()
        loss.backward(retain_graph=True)
        whole = time.perf_counter() - began
        for _ in range(60):
            try:
                may_raise = True
                signal.setitimer(signal.ITIMER_REAL, whole * chance.uniform(0.01, 1.1))
                loss.backward(retain_graph=True)
                may_raise = False
            except Interrupted:
                pass
            signal.setitimer(signal.ITIMER_REAL, 0)
        loss.backward()
    assert all(len(p.steps) <= len(p.nodes) for p in trace.passes)
    assert all(p.ended is not None for p in trace.passes)
    assert trace.notices == []
    assert len(trace.passes[-1].steps) == len(trace.passes[0].steps) == 202
