"""Runs one backward pass after the other until somebody ends it."""

import torch

w = torch.ones(3, requires_grad=True)
while True:
    ((w * 2) ** 2).sum().backward()
    w.grad = None
