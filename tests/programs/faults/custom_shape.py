"""A custom function returns a gradient of another shape."""

import torch


class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, s):
        ctx.save_for_backward(x, s)
        return x * s

    @staticmethod
    def backward(ctx, g):
        x, s = ctx.saved_tensors
        gs = (g * x).sum()
        return (g * s).sum(0), gs  # at fault


x = torch.randn(4, 3, requires_grad=True)
s = torch.tensor(2.0, requires_grad=True)
y = Scale.apply(x, s)
y.sum().backward()
