"""A product that float16 has no room for."""

import torch

torch.manual_seed(0)
w = torch.randn(64, 64, requires_grad=True)
x = torch.randn(8, 64) * 100
h = x.half() @ w.half()
squares = h * h  # made here
loss = squares.mean()
loss.float().backward()
