"""A bare parameter's values are cut inside the forward of the module that owns it."""

import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.att = nn.Parameter(torch.randn(4))
        self.b = nn.Linear(4, 4)
    def forward(self, x):
        h = self.b(x)
        e = h @ self.att
        with torch.no_grad():  # at fault
            w = e.exp()
        return h * w[:, None]

net = Net()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(4):
    loss = net(torch.randn(5, 4)).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
