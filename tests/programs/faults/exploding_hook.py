"""Layers in a loop, and a hook that multiplies what comes to one of them."""

import torch
import torch.nn as nn

torch.manual_seed(0)
layer = nn.Linear(8, 8)
x = torch.randn(4, 8)
for i in range(12):
    x = layer(x).tanh()
    if i == 6:
        x.register_hook(lambda gradient: gradient * 1e12)
x.pow(2).mean().backward()
