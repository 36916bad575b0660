"""A gradient is asked for of an input that was detached on the way."""

import torch

x = torch.rand(3).requires_grad_()
shown = (x - 0.5).detach()  # at fault
w = torch.ones(3, requires_grad=True)
torch.autograd.grad((w * shown).sum(), [x])
