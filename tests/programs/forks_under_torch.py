"""Forks after a torch pass; the child runs a pass of its own."""

import os

import torch

torch.set_num_threads(1)
x = torch.ones(2, requires_grad=True)
(x * x).sum().backward()
child = os.fork()
if child == 0:
    (x * x).sum().backward()
    print("child:", x.grad.tolist(), flush=True)
    os._exit(0)
os.waitpid(child, 0)
(x * x).sum().backward()
print("parent:", x.grad.tolist())
