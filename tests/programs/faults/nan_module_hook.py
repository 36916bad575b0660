"""A module's full backward hook that makes infinities of what it sends on."""

import torch
import torch.nn as nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))


def scale(module, sent, received):
    return tuple(None if gradient is None else gradient * torch.inf for gradient in sent)


net[1].register_full_backward_hook(scale)
for _ in range(2):
    net(torch.randn(5, 3)).pow(2).mean().backward()
