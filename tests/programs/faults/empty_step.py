"""The gradients are cleared between backward and the step."""

import torch
from torch import nn

net = nn.Linear(4, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(5):
    loss = net(torch.randn(5, 4)).pow(2).mean()
    loss.backward()
    opt.zero_grad()  # at fault
    opt.step()
