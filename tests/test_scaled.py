"""A loss scaled up for half precision: what the scaler sees to is no finding, what stays bad is one."""

from __future__ import annotations

import torch
from torch import nn

import gradtui
from gradtui.trace import Trace
from gradtui.trace.scaled import IN_A_ROW


def trained(bad: bool, scale: float) -> tuple[Trace, float]:
    """Twenty-five updates; `bad`: with a square root of zero in the loss. And the scale at the end."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    optimizer = torch.optim.SGD(net.parameters(), 1e-3)
    scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    with gradtui.record() as trace:
        for _ in range(25):
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.float16):
                out = net(torch.randn(8, 16))
                loss = out.float().pow(2).mean()
                if bad:
                    loss = loss + (out - out).float().abs().sum().sqrt()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
    return trace, scaler.get_scale()


def test_the_overflow_that_a_scaler_looks_for_is_no_finding() -> None:
    trace, scale = trained(bad=False, scale=2.0**24)
    assert scale < 2.0**24, "nothing overflowed"
    assert not trace.findings


def test_what_is_bad_at_any_scale_is_told() -> None:
    trace, _ = trained(bad=True, scale=2.0**16)
    assert [(f.kind, f.pass_number) for f in trace.findings] == [("nonfinite", IN_A_ROW)]
    assert trace.findings[0].op == "SqrtBackward0"


def test_each_loss_is_counted_for_itself() -> None:
    scaler, w = torch.amp.GradScaler("cpu", init_scale=4.0), torch.zeros(3, requires_grad=True)
    with gradtui.record() as trace:
        for _ in range(IN_A_ROW):
            scaler.scale(w.sum().sqrt()).backward()
            scaler.scale((w + 1).sum()).backward()
    assert [(f.kind, f.pass_number) for f in trace.findings] == [("nonfinite", 2 * IN_A_ROW - 1)]
