"""Weights for an inner step are copied from the model without its graph."""

import torch
from torch import nn

net = nn.Linear(4, 1)
meta = torch.optim.SGD(net.parameters(), lr=0.1)
for task in range(4):
    weights = {name: w.detach().requires_grad_() for name, w in net.named_parameters()}  # at fault
    loss = torch.func.functional_call(net, weights, (torch.randn(8, 4),)).pow(2).mean()
    gradients = torch.autograd.grad(loss, list(weights.values()))
    fast = {name: w - 0.1 * g for (name, w), g in zip(weights.items(), gradients)}
    meta.zero_grad()
    torch.func.functional_call(net, fast, (torch.randn(8, 4),)).pow(2).mean().backward()
    meta.step()
