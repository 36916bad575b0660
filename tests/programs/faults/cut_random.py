"""A draw from a normal distribution whose mean and spread are to be learnt."""

import torch
import torch.nn as nn

torch.manual_seed(0)
encoder, decoder = nn.Linear(8, 4), nn.Linear(2, 8)
for _ in range(2):
    x = torch.randn(8, 8)
    mean, log_spread = encoder(x).chunk(2, dim=1)
    z = torch.normal(mean, log_spread.exp())  # at fault
    (decoder(z) - x).pow(2).mean().backward()
