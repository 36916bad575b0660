"""Two losses share a body; each goes backward alone."""

import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 8), nn.Tanh())
        self.a = nn.Linear(8, 1)
        self.b = nn.Linear(8, 1)

    def forward(self, x):
        h = self.body(x)
        return self.a(h), self.b(h)


net = Net()


def losses(x):
    a, b = net(x)
    return a.pow(2).mean(), b.pow(2).mean()


def train_step(x):
    la, lb = losses(x)
    la.backward()  # at fault
    lb.backward()


for i in range(3):
    train_step(torch.randn(4, 3))
