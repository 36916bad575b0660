"""The same neuron in plain torch

No engine of ours: the steps are PyTorch's own, in the order its engine takes them, and the torch pane
(`4`) is the subject. Press `n` and follow one gradient from `TanhBackward0` down to the `AccumulateGrad`
of a leaf; with each node stands what torch saved for it on the way forward. Torch drops the gradient of
a value that is no leaf once it is used; `n.retain_grad()` asks it to keep that of `n`. Pass 2 is another
neuron.

In `neuron.py` `x1.grad` is -1.5; here it is -1.50000039. That is no bug: the lecture's `torch.Tensor([...])`
makes float32 numbers, and the digits that `b` loses there do not come back with `.double()`. Press `k`
and set `literals` to float64: now they agree.
"""

SCENARIO = {
    "order": 11,
    "findings": {"literals=float32": [], "literals=float64": []},
    "hints": {
        "1:0": "o.grad_fn is TanhBackward0: the last operation forward is the first one back.",
        "1:1": "For tanh torch saved the result: its slope is 1 - result**2.",
        "1:3": "AccumulateGrad writes b.grad. It was None: torch makes a gradient only when one comes.",
        "1:5": "For a product torch saved both operands: each is the other one's factor.",
        "1:8": "neuron.py took x1*w1 first. Both orders are right: neither product feeds the other.",
        "2:0": "The same graph with other numbers.",
    },
}

import torch

import gradtui

literals = gradtui.knob("literals", "float32", choices=["float32", "float64"])


def leaf(number):
    """A double, made from a literal that was first stored as `literals`."""
    return torch.tensor([number], dtype=getattr(torch, literals)).double().requires_grad_()


def close(tensors, expected, tolerance):
    return all(abs(t.item() - e) < tolerance for t, e in zip(tensors, expected))


x1 = leaf(2.0)
x2 = leaf(0.0)
w1 = leaf(-3.0)
w2 = leaf(1.0)
b = leaf(6.8813735870195432)

n = x1*w1 + x2*w2 + b
n.retain_grad()
o = torch.tanh(n)
o.backward()

print(f"o = {o.item()}  from {o.grad_fn.name()}, which follows {n.grad_fn.name()}")
print(f"n.grad = {n.grad.item()}  x1.grad = {x1.grad.item()}  w1.grad = {w1.grad.item()}")
assert o.grad_fn.next_functions[0][0] is n.grad_fn
assert close([o, n.grad, x1.grad, w1.grad, x2.grad, w2.grad], {
    "float32": [0.7071066904050358, 0.5000001283844369, -1.5000003851533106, 1.0000002567688737,
                0.5000001283844369, 0.0],
    "float64": [0.7071067811865477, 0.5, -1.5, 1.0, 0.5, 0.0],
}[literals], 1e-12), "the figures hold for the values as written"

x3 = leaf(0.5)
x4 = leaf(0.7)
w3 = leaf(0.0259)
w4 = leaf(0.1967)
c = leaf(-0.7261)

p = torch.tanh(x3*w3 + x4*w4 + c)
p.backward()

print(f"p = {p.item()}  c.grad = {c.grad.item()}")
assert close([p, x3.grad, x4.grad, w3.grad, w4.grad, c.grad], [
    -0.5193578553128438, 0.0189139266452323, 0.14364360605503948,
    0.3651337090624216, 0.5111871839819242, 0.7302674181248432,
], 1e-12 if literals == "float32" else 1e-7), "the figures hold for the values as written"
