"""The gradient in the loss was asked for without a graph of its own."""

import torch
from torch import nn

net = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
x = torch.linspace(0, 1, 10)[:, None].requires_grad_()
u = net(x)
ones = torch.ones_like(u)
du = torch.autograd.grad(u, x, ones)[0]  # at fault
loss = (du - 1).pow(2).mean()
loss.backward()
