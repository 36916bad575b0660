"""A small network learns XOR

XOR is true when its two inputs differ. No single neuron can do it: no straight line parts the two
answers. Four hidden `tanh` neurons with one more on top can, and here they learn it.

Each pass is one turn of training: forward over the four examples, one backward pass from the loss, then
every parameter takes a step against its gradient. Press `n` a few times in pass 1, `]` to go from pass
to pass, and `9` to see the loss fall. Every pass has a graph of its own, made by the forward run before
it; what stays are the parameters. They enter each pass with a gradient of 0, because `net.zero_grad()`
sees to it. Press `k` to begin with other weights.
"""

SCENARIO = {
    "order": 7,
    "findings": {"seed=1": [], "seed=2": []},
    "hints": {
        "1:0": "The weights are random, so the network only guesses. The loss says how badly.",
        "2:0": "The parameters have moved, their gradients are 0 again, and the graph is a new one.",
        "40:0": "The last turn: compare the loss with that of pass 1.",
    },
}

import random

import gradtui
from gradtui.scalar.nn import MLP

random.seed(gradtui.knob("seed", 1, choices=[1, 2]))

xs = [(-1, -1), (-1, 1), (1, -1), (1, 1)]
ys = [-1, 1, 1, -1]
net = MLP(2, [4, 1], activation="tanh", last_nonlin=True)

losses = []
for turn in range(40):
    outs = [net(x) for x in xs]
    loss = sum((out - y)**2 for out, y in zip(outs, ys)) / 4
    net.zero_grad()
    loss.backward()
    for p in net.parameters():
        p.data -= 0.5 * p.grad
    losses.append(loss.data)

print(f"loss {losses[0]:.4f} -> {losses[-1]:.4f}")
for x, y in zip(xs, ys):
    answer = net(x).data
    print(f"{x!s:8} wanted {y:2}  got {answer:7.4f}")
    assert answer * y > 0.5
assert losses[-1] < losses[0] / 10
