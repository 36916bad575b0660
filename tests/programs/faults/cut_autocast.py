"""An encoder that is frozen by a decorator, under autocast, which casts its weights with gradients all the same."""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head, self.encoder = nn.Linear(4, 4), nn.Linear(4, 4)  # made here

    @torch.no_grad()  # at fault
    def encode(self, x):
        return self.encoder(x)

    def forward(self, x):
        return self.head(x) @ self.encode(x).t()


net = Net()
optimizer = torch.optim.SGD(net.parameters(), 0.1)
for _ in range(3):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = net(torch.randn(5, 4)).float().pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
