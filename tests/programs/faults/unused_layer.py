"""A layer is made, stepped and never called."""

import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(3, 4)
        self.fc2 = nn.Linear(4, 4)  # made here
        self.fc3 = nn.Linear(4, 1)

    def forward(self, x):
        return self.fc3(torch.relu(self.fc1(x)))


net = Net()
opt = torch.optim.Adam(net.parameters())
for i in range(5):
    loss = net(torch.randn(4, 3)).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
