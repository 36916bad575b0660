"""A parameter wrapped in another one in the forward: the optimizer's own gets no gradient."""

import torch
import torch.nn as nn

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 8))  # made here
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        weight = nn.Parameter(self.weight.half().float())
        return self.head(torch.tanh(x @ weight))


net = Net()
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for _ in range(4):
    loss = net(torch.randn(8, 4)).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
