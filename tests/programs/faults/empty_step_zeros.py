"""The gradients are set to zero between backward and the step, by the model."""

import torch
from torch import nn

net = nn.Linear(4, 1)
opt = torch.optim.Adam(net.parameters(), lr=0.1)
for step in range(5):
    net(torch.randn(5, 4)).pow(2).mean().backward()
    net.zero_grad(set_to_none=False)  # at fault
    opt.step()
