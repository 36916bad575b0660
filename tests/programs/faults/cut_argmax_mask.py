"""What chooses is an argmax; zeros_like takes nothing but a shape."""

import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp, self.gate = nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x):
        h = self.inp(x)
        logits = self.gate(h)
        mask = torch.zeros_like(logits)  # harmless
        choice = logits.argmax(-1)  # at fault
        return h * choice.unsqueeze(-1) + mask.sum()

net = Net()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(4):
    loss = net(torch.randn(5, 4)).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
