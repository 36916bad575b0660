"""A training loop that asks to be stopped in chosen epochs: `breaks_training.py EPOCHS STOPS...`."""

import sys

import torch

import gradtui

torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
inputs = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
targets = torch.tensor([[1.0], [0.0]])
epochs, stops = int(sys.argv[1]), {int(word) for word in sys.argv[2:]}

for epoch in range(1, epochs + 1):
    if epoch in stops:
        gradtui.breakpoint()
    optimizer.zero_grad()
    loss = ((model(inputs) - targets) ** 2).mean()
    loss.backward()
    optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.6f}")
print("trained:", sum(p.sum().item() for p in model.parameters()))
