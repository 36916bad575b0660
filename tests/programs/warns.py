"""Warns in many ways: each names a line, is given once for each line, or ends the program by a filter."""

import traceback
import warnings

import torch
from torch import nn
import torch.nn.functional as F

w = torch.ones(3, 1, requires_grad=True)
for _ in range(2):
    loss = F.mse_loss(torch.ones(4, 3) @ w, torch.zeros(4))
    loss.backward()
again = F.mse_loss(torch.ones(4, 3) @ w, torch.zeros(4))
number = float(again * 1)
F.softmax(w)
torch.tensor(w)
again.grad


def hook(gradient):
    for level in range(1, 5):
        warnings.warn(f"of level {level}", stacklevel=level)


def train():
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    y.register_hook(hook)
    y.sum().backward()


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        warnings.warn("in a forward", stacklevel=3)
        return 2 * x

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient


train()
Doubled.apply(w).sum().backward()
net = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
net[0].register_full_backward_hook(lambda module, sent, received: None)
net(torch.ones(2, 3)).sum().backward()

with torch.autograd.detect_anomaly():
    x = torch.zeros(3, requires_grad=True)
    try:
        (torch.sqrt(x) * 0).sum().backward()
    except RuntimeError as error:
        print(error)

with warnings.catch_warnings():
    warnings.filterwarnings("error", category=UserWarning, module="__main__")
    try:
        F.mse_loss(torch.ones(4, 3) @ w, torch.zeros(4))
    except UserWarning:
        print("a filter for this module holds")
