"""The forward runs inside a block without gradients."""

import torch
import torch.nn as nn

net = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
crit = nn.MSELoss()


def train(loader):
    for x, y in loader:
        with torch.no_grad():  # at fault
            out = net(x)
        loss = crit(out, y)
        loss.backward()


train([(torch.randn(4, 3), torch.randn(4, 1))] * 2)
