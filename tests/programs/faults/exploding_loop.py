"""A recurrence whose matrix stretches."""

import torch
import torch.nn as nn

torch.manual_seed(0)
W = nn.Parameter(torch.randn(16, 16))
U = nn.Parameter(torch.randn(16, 4))
for it in range(2):
    h = torch.zeros(16)
    for t in range(24):
        h = W @ h + U @ torch.randn(4)  # made here
    loss = h.pow(2).mean()
    loss.backward()
    W.grad = U.grad = None
