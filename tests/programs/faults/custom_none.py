"""A custom function returns None for an operand that needs a gradient."""

import torch
import torch.nn as nn


class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.save_for_backward(x, factor)
        return x * factor

    @staticmethod
    def backward(ctx, g):
        x, _ = ctx.saved_tensors
        return None, (g * x).sum()  # at fault


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 4)  # made here
        self.factor = nn.Parameter(torch.tensor(2.0))
        self.last = nn.Linear(4, 1)

    def forward(self, x):
        return self.last(Scale.apply(self.first(x), self.factor))


net = Net()
optimizer = torch.optim.Adam(net.parameters())
for _ in range(4):
    optimizer.zero_grad()
    net(torch.randn(8, 3)).pow(2).mean().backward()
    optimizer.step()
