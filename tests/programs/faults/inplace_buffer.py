"""A running average moves between forward and backward."""

import torch
import torch.nn as nn


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))
        self.register_buffer("avg", torch.ones(4))

    def forward(self, x):
        y = x / self.avg * self.scale
        with torch.no_grad():
            self.avg.mul_(0.9).add_(x.abs().mean(0), alpha=0.1)  # at fault
        return y


net = nn.Sequential(nn.Linear(4, 4), Norm())
for i in range(2):
    net(torch.randn(8, 4)).sum().backward()
