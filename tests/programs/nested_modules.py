"""A net of modules within modules that trains for some passes: `nested_modules.py [PASSES]`. The third is NaN."""

import sys

import torch
from torch import nn

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.block = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
        self.last = nn.Linear(8, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = torch.tanh(self.first(x))
        h = h + self.block(h)
        out: torch.Tensor = self.last(h)
        return out


net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for number in range(1, 1 + int(sys.argv[1] if len(sys.argv) > 1 else 2)):
    x = torch.randn(16, 4)
    loss = ((net(x) - x.sum(1, keepdim=True)) ** 2).mean()
    if number == 3:
        loss = loss * 0 / 0
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("trained")
