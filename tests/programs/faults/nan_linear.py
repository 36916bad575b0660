"""A layer overflows; the relu behind it keeps what came, and is not the first."""

import torch
from torch import nn

lin = nn.Linear(4, 4)
with torch.no_grad():
    lin.weight.fill_(1e30)
x = torch.full((3, 4), 1e20)
y = lin(x)  # made here
h = torch.relu(y)
loss = h.mean()
loss.backward()
