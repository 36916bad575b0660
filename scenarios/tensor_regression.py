"""Tensors: one node, many numbers

The mean squared error of `X @ W + b`: four examples with three features, two outputs. The graph is as
small as a neuron's, but along each edge goes a whole tensor, and the gradient of a tensor always has
the tensor's own shape.

Press `n` and read the shapes. Two places deserve a second look. `mean` spreads its 1 over all eight
squared errors: 1/8 for each. And `b` holds two numbers that were *broadcast* over four rows: what is
used four times gets four contributions, so its gradient is the sum over the rows.
"""

SCENARIO = {
    "order": 12,
    "hints": {
        "1:0": "The root is one number. Below it the gradients have the shape 4x2, until the leaves.",
        "1:1": "mean: each of the eight squared errors gets 1/8.",
        "1:2": "The square: 2 times the error, times the 1/8 that came.",
        "1:4": "This addition received 4x2 and sends b only two numbers: the sum of the rows.",
        "1:6": "The product with X: W gets X.T @ (what came), which has the shape of W, 3x2.",
    },
}

import torch

torch.manual_seed(42)
W = torch.randn(3, 2, requires_grad=True)
b = torch.randn(2, requires_grad=True)
X = torch.randn(4, 3)
y = torch.randn(4, 2)

pred = X @ W + b
error = pred - y
loss = (error**2).mean()
loss.backward()

print(f"loss = {loss.item():.4f}")
print(f"W.grad = {W.grad.tolist()}")
print(f"b.grad = {b.grad.tolist()}")

assert abs(loss.item() - 4.3729) < 1e-4
expected = torch.tensor([[1.5130, -0.1619], [0.9877, -0.4371], [-2.4168, -0.0719]])
assert torch.allclose(W.grad, expected, atol=1e-4)
assert torch.allclose(b.grad, torch.tensor([2.0992, -0.8098]), atol=1e-4)

sent = 2 * error.detach() / 8  # the same by hand
assert torch.allclose(W.grad, X.T @ sent)
assert torch.allclose(b.grad, sent.sum(dim=0))
