"""The forward puts another parameter in the place of the one that the optimizer holds, each time."""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(4, 4)), nn.Parameter(torch.zeros(4))

    def forward(self, x):
        self.bias = nn.Parameter(self.bias.data.clamp(-1, 1))  # at fault
        return x @ self.weight + self.bias


net = Net()
optimizer = torch.optim.SGD(net.parameters(), 0.1)
for _ in range(3):
    optimizer.zero_grad()
    net(torch.randn(5, 4)).pow(2).mean().backward()
    optimizer.step()
