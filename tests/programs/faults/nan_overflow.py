"""A learning rate far too large."""

import torch
import torch.nn as nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 8), nn.Linear(8, 1))
opt = torch.optim.SGD(net.parameters(), lr=50.0)
x, y = torch.randn(16, 3), torch.randn(16, 1)
for i in range(40):
    loss = (net(x) - y).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
