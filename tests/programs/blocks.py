"""Eight blocks that are built alike, in two passes; through their sigmoids the gradient vanishes."""

import torch
from torch import nn

torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(4, 8), nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.down(torch.sigmoid(self.up(x)))) * 0.1


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block() for _ in range(8)])
        self.head = nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = block(x)
        return self.head(x)


net = Net()
for _ in range(2):
    net.zero_grad()
    loss = net(torch.ones(2, 4)).pow(2).mean()
    loss.backward()
