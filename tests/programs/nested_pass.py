"""A pass inside a step of another: re-entrant checkpointing runs the forward again and its own backward."""

import torch
from torch.utils.checkpoint import checkpoint

w = torch.tensor([2.0, 3.0], requires_grad=True)


def part(x):
    return (x * w).tanh()


x = torch.tensor([0.1, 0.2], requires_grad=True)
y = checkpoint(part, x, use_reentrant=True)
loss = (y * 2).sum()
loss.backward()
print(w.grad is not None)
