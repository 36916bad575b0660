"""A loss is summed up as a Python number."""

import torch
import torch.nn as nn

net = nn.Linear(3, 1)
total = 0.0
for x in torch.randn(4, 3):
    total += net(x).pow(2).item()  # at fault
loss = torch.tensor(total)
loss.backward()
