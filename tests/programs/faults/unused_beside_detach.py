"""A result leads nowhere, and something else is detached on purpose."""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp, self.aux, self.out = nn.Linear(4, 4), nn.Linear(4, 3), nn.Linear(4, 2)

    def forward(self, x):
        h = self.inp(x)
        a = self.aux(h)  # led nowhere
        scale = h.detach().abs().mean()  # legitimate stop-gradient of another tensor
        return self.out(h / scale)


net = Net()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(4):
    loss = net(torch.randn(5, 4)).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
