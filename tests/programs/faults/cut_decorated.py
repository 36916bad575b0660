"""A forward is decorated as if it were an evaluation."""

import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    @torch.no_grad()  # at fault
    def forward(self, x):
        return self.fc(x).relu()


m = Model()
opt = torch.optim.SGD(m.parameters(), 0.1)
for _ in range(2):
    loss = m(torch.randn(2, 3)).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
