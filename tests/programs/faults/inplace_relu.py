"""An activation overwrites what a sigmoid has saved."""

import torch
import torch.nn as nn


class Block(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.fc = nn.Linear(d, d)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x):
        h = torch.sigmoid(self.fc(x))
        gate = h * 2
        out = self.act(h)  # at fault
        return out * gate + x


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(Block(8) for _ in range(3))

    def forward(self, x):
        for b in self.blocks:
            x = b(x)
        return x


net = Net()
opt = torch.optim.SGD(net.parameters(), lr=0.1)


def train():
    for i in range(2):
        loss = net(torch.randn(4, 8)).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()


train()
