"""Bad values under checkpoints, where the forward is hidden until the backward computes it again."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.utils.checkpoint import checkpoint

import gradtui
from gradtui.trace import Trace


def checkpointed(part: Callable[[torch.Tensor], torch.Tensor], reentrant: bool) -> Trace:
    with gradtui.record() as trace:
        x = torch.linspace(-1, 1, 8).requires_grad_()
        checkpoint(part, x, use_reentrant=reentrant).sum().backward()
    return trace


class Residual(torch.nn.Module):
    """A block that may be bad, in its last operation that saves anything or before that."""

    def __init__(self, bad: str) -> None:
        super().__init__()
        self.linear, self.bad = torch.nn.Linear(4, 4), bad

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = torch.tanh(self.linear(x))
        if self.bad:
            h = h + torch.log(h * 0 - int(self.bad == "negative"))  # bad
        if self.bad == "early":
            h = torch.tanh(self.linear(h))
        return x + h


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("bad", ["negative", "zero", "early"])
def test_of_many_checkpointed_blocks_the_bad_one_is_told(bad: str, reentrant: bool) -> None:
    torch.manual_seed(0)
    blocks = torch.nn.ModuleList(Residual(bad if i == 2 else "") for i in range(5))
    with gradtui.record() as trace:
        x = torch.ones(3, 4, requires_grad=True)
        for block in blocks:
            x = checkpoint(block, x, use_reentrant=reentrant)
        (x * x).mean().backward()
    (finding,) = trace.findings
    told = finding.culprit or finding.source or ""
    lines = Path(__file__).read_text().splitlines()
    assert "torch.log" in lines[int(told.rpartition(":")[2]) - 1], finding
    if not reentrant:
        assert finding.module == "blocks.2"


def test_where_a_checkpoint_stops_before_the_bad_result_the_last_good_is_told() -> None:
    def part(x: torch.Tensor) -> torch.Tensor:
        h = torch.tanh(x)
        h = torch.sin(h)
        return torch.log(h)

    line = part.__code__.co_firstlineno + 3
    (finding,) = checkpointed(part, False).findings
    assert finding.message.startswith("all was finite up to here")
    assert (finding.source or "").endswith(f"test_explain_checkpoints.py:{line}")
    (finding,) = checkpointed(part, True).findings
    assert (finding.culprit or "").endswith(f"test_explain_checkpoints.py:{line}")


@pytest.mark.parametrize("reentrant", [False, True])
def test_what_a_hook_makes_bad_is_not_said_to_be_the_forwards(reentrant: bool) -> None:
    def part(x: torch.Tensor) -> torch.Tensor:
        h = torch.tanh(x)
        if h.requires_grad:
            h.register_hook(lambda gradient: torch.ones_like(gradient) / 0)
        h = torch.log(h)  # bad
        return torch.tanh(h)

    (finding,) = [f for f in checkpointed(part, reentrant).findings if f.step == 0]
    assert (finding.culprit or "").endswith(f"test_explain_checkpoints.py:{part.__code__.co_firstlineno + 4}")


@pytest.mark.parametrize("reentrant", [False, True])
def test_what_comes_bad_into_a_checkpoint_was_not_made_there(reentrant: bool) -> None:
    bad = torch.full((8,), float("nan"))

    def part(x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(torch.tanh(x + bad))

    assert [f.culprit for f in checkpointed(part, reentrant).findings] == [None]


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_mask_under_a_checkpoint_is_no_fault(reentrant: bool) -> None:
    def part(x: torch.Tensor) -> torch.Tensor:
        scores = torch.outer(x, x).masked_fill(torch.ones(8, 8).triu(1).bool(), float("-inf"))
        return torch.softmax(scores, 1) @ x

    assert not checkpointed(part, reentrant).findings


def test_what_waited_for_a_checkpoint_keeps_no_pass_alive() -> None:
    def bad() -> weakref.ref[torch.Tensor]:
        w = torch.ones(1000, requires_grad=True)
        checkpoint(lambda x: (x - 2).log(), w, use_reentrant=False).sum().backward()
        return weakref.ref(w)

    with gradtui.record():
        w = bad()
        gc.collect()
        assert w() is None
