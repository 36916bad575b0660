"""karpathy's micrograd from PyPI, unmodified: an MLP trained for three passes."""

import random

from micrograd.nn import MLP

random.seed(1)
model = MLP(2, [3, 1])
data = [([0.0, 1.0], 1.0), ([1.0, 1.0], -1.0)]
for _ in range(3):
    loss = sum((model(x) - y) ** 2 for x, y in data)
    model.zero_grad()
    loss.backward()
    for p in model.parameters():
        p.data -= 0.05 * p.grad
    print(round(loss.data, 6))  # its sums depend on the order of a set, in the last bits
