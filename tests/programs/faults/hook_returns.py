"""A tensor hook returns a part of the gradient; another one of its name does what it should."""

import torch
import torch.nn as nn

lin = nn.Linear(3, 3)


def halved(g):
    def clip(g):
        return g / 2

    return clip


def clip(g):  # at fault
    return g[:1]


h = lin(torch.randn(2, 3))
y = h.relu()  # made here
h.register_hook(halved(h))
y.register_hook(clip)
y.sum().backward()
