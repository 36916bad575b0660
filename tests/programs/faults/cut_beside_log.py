"""What is printed is innocent; what the loss takes is cut."""

import torch
from torch import nn

body, policy, value = nn.Linear(4, 8), nn.Linear(8, 2), nn.Linear(8, 1)
optimizer = torch.optim.Adam([*body.parameters(), *policy.parameters(), *value.parameters()])
for _ in range(3):
    h = torch.relu(body(torch.randn(6, 4)))
    v = value(h)
    print("mean value", v.mean().item())
    loss = policy(h).pow(2).mean() + (v.detach() - 1).pow(2).mean()  # at fault
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
