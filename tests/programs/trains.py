"""A parameter trained by hand or by an optimizer, zeroed or not: `trains.py HOW [PASSES]`."""

import sys

import torch

how = sys.argv[1]
torch.manual_seed(0)
w = torch.nn.Parameter(torch.tensor([2.0, -1.0]))
optimizers = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
optimizer = optimizers.get(how.partition("-")[0], torch.optim.SGD)([w], lr=0.1)
zeroes_before, zeroes_after = "before" in how, "after" in how

for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 3):
    if zeroes_before:
        optimizer.zero_grad(set_to_none="fill" not in how)
    (w**2).sum().backward()
    if how.startswith("hand"):
        w.data -= 0.1 * w.grad
    else:
        optimizer.step()
    if zeroes_after:
        optimizer.zero_grad()
