"""A layer that is never called; its weights are initialized and logged, which is no cut."""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.used = nn.Linear(4, 4)
        self.forgotten = nn.Linear(4, 2)  # made here
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, x):
        return self.used(x)


net = Net()
optimizer = torch.optim.SGD(net.parameters(), 0.1)
for _ in range(3):
    with torch.no_grad():
        norms = {name: p.norm().item() for name, p in net.named_parameters()}
    optimizer.zero_grad()
    net(torch.randn(5, 4)).pow(2).mean().backward()
    optimizer.step()
