"""XOR in torch: 500 passes

The network is an `nn.Module` with two hidden `tanh` neurons and one output, trained by plain SGD. Nothing
in the program knows of gradtui: this is what training looks like from the inside.

Press `n` in pass 1: leaves carry the names of the parameters (`net.hidden.weight`), and other nodes say
which module made them. Then run to the end with `c` and look at `9`, the loss of all 500 passes. `g`
goes anywhere: type `250:0` and compare the gradients there with those of pass 1.
"""

SCENARIO = {
    "order": 13,
    "hints": {
        "1:0": "Every parameter's .grad is None: this is the first pass.",
        "2:0": "zero_grad() has set every .grad back to None, so this pass starts as clean as the first.",
        "500:0": "The last pass: the loss is 0.0015, and the gradients are small, too.",
    },
}

import torch
from torch import nn


class XORNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(2, 2)
        self.output = nn.Linear(2, 1)

    def forward(self, x):
        return torch.tanh(self.output(torch.tanh(self.hidden(x))))


torch.manual_seed(42)
net = XORNet()
optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
X = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = torch.tensor([[-1.0], [1.0], [1.0], [-1.0]])

for epoch in range(500):
    optimizer.zero_grad()
    out = net(X)
    loss = ((out - y)**2).mean()
    loss.backward()
    optimizer.step()

answers = net(X).flatten()
print(f"final loss {loss.item():.6f}")
print("answers", [round(answer, 4) for answer in answers.tolist()])
assert abs(loss.item() - 0.001538) < 1e-6
assert torch.allclose(answers, torch.tensor([-0.9639, 0.9570, 0.9554, -0.9686]), atol=1e-4)
