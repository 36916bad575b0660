"""The logarithm of zero, kept out of the loss by `where`, and not out of the gradient."""

import torch
import torch.nn as nn

torch.manual_seed(0)
net = nn.Linear(3, 1, bias=False)
opt = torch.optim.Adam(net.parameters(), lr=0.01)
for _ in range(3):
    x = torch.randn(6, 3)
    x[0] = 0
    energy = net(x).squeeze(1).pow(2)
    logs = torch.log(energy)  # at fault
    loss = -torch.where(energy > 0, logs, torch.zeros_like(energy)).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
