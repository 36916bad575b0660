"""A custom function's backward divides by the norm of what is zero."""

import torch


class Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        norm = x.norm()
        ctx.save_for_backward(x, norm)
        return norm

    @staticmethod
    def backward(ctx, g):
        x, norm = ctx.saved_tensors
        return g * x / norm  # at fault


w = torch.zeros(3, requires_grad=True)
loss = Norm.apply(w * 2) + 1  # made here
loss.backward()
