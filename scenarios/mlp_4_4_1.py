"""Gradient descent by hand: MLP(3, [4, 4, 1])

The network of the lecture: three inputs, two layers of four `tanh` neurons, one output, 41 parameters,
and four examples. There is no optimizer, only what every optimizer does at heart: set the gradients to
0, run the backward pass, move each parameter a little against its gradient.

Pass 1 has about four hundred nodes. Let it run with `]` and go back to its last step with `N`; then type
`/` and `neurons[0].w[0]` to find a weight, and its ledger shows four contributions, one for each example.
Every `]` runs one pass more, and `9` shows the loss of all of them.
"""

SCENARIO = {
    "order": 8,
    "hints": {
        "1:0": "41 parameters, four examples: each parameter will get one contribution from each example.",
        "2:0": "The same shape of graph, made anew from the moved parameters. The loss is already smaller.",
        "20:0": "The last of twenty turns: compare the loss with that of pass 1.",
    },
}

import random

from gradtui.scalar.nn import MLP

xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
ys = [1.0, -1.0, -1.0, 1.0]

random.seed(1337)
n = MLP(3, [4, 4, 1], activation="tanh", last_nonlin=True)
assert len(n.parameters()) == 41

losses = []
for turn in range(20):
    ypred = [n(x) for x in xs]
    loss = sum((yout - ygt)**2 for ygt, yout in zip(ys, ypred))
    for p in n.parameters():
        p.grad = 0.0
    loss.backward()
    for p in n.parameters():
        p.data += -0.1 * p.grad
    losses.append(loss.data)

print(f"loss {losses[0]:.4f} -> {losses[-1]:.4f}")
print("wanted", ys)
print("got   ", [round(n(x).data, 4) for x in xs])
assert losses[-1] < losses[0] / 10
assert all(n(x).data * y > 0 for x, y in zip(xs, ys))
