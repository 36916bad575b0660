"""A recurrent state is carried on without a detach."""

import torch
import torch.nn as nn

rnn = nn.LSTM(3, 5)
head = nn.Linear(5, 1)
opt = torch.optim.Adam([*rnn.parameters(), *head.parameters()])
h = None
for step in range(4):
    out, h = rnn(torch.randn(6, 2, 3), h)
    loss = head(out).pow(2).mean()
    opt.zero_grad()
    loss.backward()  # at fault
    opt.step()
