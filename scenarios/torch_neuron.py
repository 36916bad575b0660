"""The same neuron in plain torch

No engine of ours: the steps you see are PyTorch's own, in the order its engine takes them, and the
torch pane is the subject. Press `n` and follow one gradient from `TanhBackward0` down to the
`AccumulateGrad` of a leaf; beside each node stands what torch saved for it on the way forward.

Torch finishes a whole branch before the other only if its queue says so: compare the order of the
steps with that of `neuron.py`.
"""

import torch

x1 = torch.tensor([2.0], dtype=torch.float64, requires_grad=True)
x2 = torch.tensor([0.0], dtype=torch.float64, requires_grad=True)
w1 = torch.tensor([-3.0], dtype=torch.float64, requires_grad=True)
w2 = torch.tensor([1.0], dtype=torch.float64, requires_grad=True)
b = torch.tensor([6.8813735870195432], dtype=torch.float64, requires_grad=True)

n = x1*w1 + x2*w2 + b
o = torch.tanh(n)

o.backward()

print(f"o = {o.item()}")
for name, leaf, expected in (("x1", x1, -1.5), ("w1", w1, 1.0), ("x2", x2, 0.5), ("w2", w2, 0.0)):
    print(f"{name}.grad = {leaf.grad.item()}")
    assert abs(leaf.grad.item() - expected) < 1e-12
assert abs(o.item() - 0.7071067811865477) < 1e-12
