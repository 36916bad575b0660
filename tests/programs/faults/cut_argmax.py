"""A loss compares predicted classes."""

import torch
import torch.nn as nn

net = nn.Linear(4, 3)
x, y = torch.randn(8, 4), torch.randint(0, 3, (8,))
pred = net(x).argmax(1)  # at fault
loss = (pred.float() - y.float()).abs().mean()
loss.backward()
