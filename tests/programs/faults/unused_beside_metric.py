"""A projection is forgotten in the loss; the metric's argmax has nothing to do with it."""

import torch
from torch import nn
import torch.nn.functional as F

enc, head, proj = nn.Linear(4, 4), nn.Linear(4, 2), nn.Linear(4, 4)
opt = torch.optim.Adam([*enc.parameters(), *head.parameters(), *proj.parameters()], lr=0.1)
for step in range(4):
    x, y = torch.randn(8, 4), torch.randint(0, 2, (8,))
    h = enc(x)
    p = F.normalize(proj(h), dim=1)  # forgotten in the loss
    logits = head(h)
    acc = (logits.argmax(1) == y).float().mean().item()  # monitoring
    loss = F.cross_entropy(logits, y)
    opt.zero_grad()
    loss.backward()
    opt.step()
