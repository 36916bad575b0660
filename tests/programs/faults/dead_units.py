"""Most units of a ReLU are off for good."""

import torch
import torch.nn as nn

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 16)
        self.b = nn.Linear(16, 1)

    def forward(self, x):
        return self.b(torch.relu(self.a(x)))


net = Net()
with torch.no_grad():
    net.a.bias[:13] = -50.0
opt = torch.optim.Adam(net.parameters(), 0.01)
for i in range(20):
    loss = (net(torch.randn(16, 4)) - 1).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
