"""An encoder that is cut off, and stepped all the same."""

import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(3, 4), nn.Tanh())
        self.dec = nn.Linear(4, 1)

    def forward(self, x):
        z = self.enc(x).detach()  # at fault
        return self.dec(z)


net = Net()
opt = torch.optim.Adam(net.parameters())


def loop():
    for i in range(5):
        loss = net(torch.randn(4, 3)).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()


loop()
