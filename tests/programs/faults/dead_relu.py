"""Biases so low that no unit of a ReLU is ever on."""

import torch
import torch.nn as nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
with torch.no_grad():
    net[0].bias.fill_(-50.0)
opt = torch.optim.SGD(net.parameters(), 0.1)
for i in range(8):
    loss = (net(torch.randn(16, 4)) - 1).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
