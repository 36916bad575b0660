"""Every parameter is frozen."""

import torch
import torch.nn as nn

net = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
for p in net.parameters():
    p.requires_grad = False  # at fault
loss = net(torch.randn(2, 3)).sum()
loss.backward()
