"""A re-entrant checkpoint into which nothing comes that requires a gradient."""

import warnings

import torch
import torch.nn as nn
from torch.utils.checkpoint import checkpoint

warnings.simplefilter("ignore")
torch.manual_seed(0)
body, head = nn.Sequential(nn.Linear(4, 8), nn.ReLU()), nn.Linear(8, 2)
opt = torch.optim.SGD([*body.parameters(), *head.parameters()], lr=1e-2)
for _ in range(3):
    h = checkpoint(body, torch.randn(8, 4), use_reentrant=True)  # at fault
    loss = head(torch.relu(h)).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
