"""A program that profiles itself finds in its profile what it did, and nothing of ours."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

import gradtui


def events() -> Counter[str]:
    """What torch's profiler sees of two updates, by name."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(9, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2))
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        for _ in range(2):
            optimizer.zero_grad()
            net(torch.ones(8, 9)).square().sum().backward()
            optimizer.step()
    found: Any = profiled.events()
    return Counter(event.name for event in found)


@pytest.mark.parametrize("stats", ["auto", "full"])
def test_the_profile_of_a_recorded_program_is_its_own(stats: Literal["auto", "full"]) -> None:
    alone = events()
    with gradtui.record(stats=stats) as trace:
        recorded = events()
    assert len(trace.passes) == 2
    assert recorded == alone
    assert alone["aten::addmm"] == 4


def test_the_program_is_still_profiled_after_a_stop_of_the_profile() -> None:
    with gradtui.record():
        events()
    assert events()["aten::addmm"] == 4
