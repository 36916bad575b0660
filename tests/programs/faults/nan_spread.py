"""A standard deviation over the one example that the last batch has."""

import torch
import torch.nn as nn

torch.manual_seed(0)
net = nn.Linear(3, 1)
for batch in torch.randn(5, 3).split(4):
    gain = net(batch).squeeze(-1)
    gain = (gain - gain.mean()) / (gain.std() + 1e-8)  # at fault
    (gain * batch.sum(1)).mean().backward()
