"""A row of attention of which a mask leaves nothing."""

import torch
import torch.nn as nn

torch.manual_seed(0)
query, key = nn.Linear(4, 4), nn.Linear(4, 4)
words = torch.randn(2, 5, 4)
padding = torch.zeros(2, 1, 5, dtype=torch.bool)
padding[1] = True  # the second sentence is empty

scores = query(words) @ key(words).transpose(1, 2)
weights = torch.softmax(scores.masked_fill(padding, float("-inf")), dim=-1)  # made here
loss = (weights @ words).pow(2).mean()
loss.backward()
