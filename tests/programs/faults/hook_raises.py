"""A tensor hook asks for a dimension that is not there."""

import torch
import torch.nn as nn

lin = nn.Linear(3, 3)


def clip(g):
    return g / g.norm(dim=5)  # at fault


h = lin(torch.randn(2, 3))
h.register_hook(clip)
h.relu().sum().backward()
