"""Sixteen sigmoids one after the other."""

import torch
import torch.nn as nn

torch.manual_seed(0)
layers = []
for i in range(16):
    layers += [nn.Linear(32, 32), nn.Sigmoid()]
net = nn.Sequential(nn.Linear(4, 32), *layers, nn.Linear(32, 1))
opt = torch.optim.SGD(net.parameters(), 0.1)
for i in range(6):
    loss = (net(torch.randn(16, 4)) - 1).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
