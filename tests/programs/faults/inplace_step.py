"""The discriminator steps between the forward and the backward of the generator's loss."""

import torch
import torch.nn as nn

torch.manual_seed(0)
G, D = (
    nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)),
    nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1)),
)
opt_g, opt_d = torch.optim.Adam(G.parameters()), torch.optim.Adam(D.parameters())
bce = nn.BCEWithLogitsLoss()
for step in range(3):
    fake = G(torch.randn(16, 4))
    score = D(fake)
    g_loss = bce(score, torch.ones(16, 1))
    d_loss = bce(D(fake.detach()), torch.zeros(16, 1))
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()  # at fault
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
