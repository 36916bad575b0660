"""Torch refuses an operation, in Python code and in C, and a backward hook of the user's raises."""

import sys

import torch

x = torch.ones(3, requires_grad=True)
if sys.argv[1] == "python":
    torch.nn.functional.cross_entropy(x.reshape(1, 3), torch.tensor([7]))
if sys.argv[1] == "c":
    x @ torch.ones(4)
if sys.argv[1] == "module":
    torch.nn.Linear(4, 1)(x)
if sys.argv[1] == "hook":
    y = (x * 2).sum()
    x.register_hook(lambda gradient: gradient.no_such_attribute)
    y.backward()
if sys.argv[1] == "function":

    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, tensor):
            return tensor * 2

        @staticmethod
        def backward(ctx, gradient):
            raise ValueError("in a backward of the user's own")

    Doubled.apply(x).sum().backward()
