"""A torch module: names of modules, tensors small and large, a second pass onto what is there."""

import torch

torch.manual_seed(0)
torch.set_num_threads(1)
net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
large = torch.ones(5000, requires_grad=True)
inputs = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
for _ in range(2):
    loss = net(inputs).pow(2).mean() + (large * torch.inf).sum()
    loss.backward()
