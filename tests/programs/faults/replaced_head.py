"""The head is replaced after the optimizer was made, which goes on with the old one."""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.fc = nn.Linear(4, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.fc(torch.tanh(self.body(x)))


def main():
    model = Net()
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    model.fc = nn.Linear(8, 1)  # at fault
    for step in range(4):
        loss = model(torch.randn(5, 4)).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()


main()
