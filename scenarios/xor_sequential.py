"""A unit that never learns

Eight hidden `relu` units learn XOR with Adam. A `relu` passes a gradient on only where its output is
above 0. One of the eight is below 0 for all four inputs, right from its random start, so nothing ever
reaches its weights: it is *dead*. The network learns XOR without it.

Press `n` six times, to `ReluBackward0`: what it sends has a smaller norm than what it received, for
where its output was 0 it sends 0. Press `]` and read the output: the program lists how much gradient the
weights of each unit got in pass 1, and one got nothing. Run on with `c`: `9` shows the loss fall to 0,
and the output tells that in 1,000 passes nothing has ever come to that unit.
"""

SCENARIO = {
    "order": 14,
    "hints": {
        "1:6": "relu sends on only where its output was above 0. Everything it sends to the dead unit is 0.",
        "1:10": "One of the eight rows in this gradient is [0, 0]: those two weights will not move.",
        "2:0": "The output lists what each of the eight units got in pass 1.",
        "1000:0": "The loss is 0. Now no unit gets anything; but only one has never had anything.",
    },
}

import torch
from torch import nn

torch.manual_seed(42)
net = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
X = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])

alive = torch.zeros(8, dtype=torch.bool)
for epoch in range(1000):
    optimizer.zero_grad()
    out = net(X)
    loss = nn.functional.mse_loss(out, y)
    loss.backward()
    optimizer.step()
    size = net[0].weight.grad.norm(dim=1)  # of each unit's two weights
    alive |= size > 0
    if epoch == 0:
        print("gradient of each unit:", [round(number, 2) for number in size.tolist()])

answers = net(X).flatten()
dead = (~alive).nonzero().flatten().tolist()
print(f"final loss {loss.item():.6f}")
print("answers", [abs(round(answer, 4)) for answer in answers.tolist()])
print(f"hidden units that never had a gradient: {dead}")
assert torch.allclose(answers, y.flatten(), atol=5e-5)
assert dead == [2]
