"""A hook of a node returns another dtype."""

import torch


def widen(received):  # at fault
    return (received[0].double(),)


w = torch.ones(3, requires_grad=True)
h = w * 2  # made here
y = h.exp()
h.grad_fn.register_prehook(widen)
y.sum().backward()
