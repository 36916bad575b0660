"""A learning rate too large: the gradient grows from pass to pass."""

import torch
import torch.nn as nn

torch.manual_seed(0)
lin = nn.Linear(3, 1)
opt = torch.optim.SGD(lin.parameters(), lr=5.0)
x = torch.randn(64, 3)
y = x.sum(1, keepdim=True)
for i in range(12):
    loss = nn.functional.mse_loss(lin(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
