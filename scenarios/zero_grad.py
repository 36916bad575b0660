"""Gradients add up until you zero them

`backward()` never replaces a gradient, it adds to what is there. That is on purpose: two losses may
share a parameter, and a large batch may come in parts. Press `n` and `]` through the first three passes,
`p**2` at `p = 2`: pass 1 leaves 4 in `p.grad` and pass 2 makes it 8. Then it is set to 0, and pass 3
gives 4 again.

In training it becomes a bug. Once a parameter has *moved*, its old gradient belongs to a place where it
no longer is. From pass 6 on a small network learns XOR, and the knob `zero_grad` decides whether the old
gradients are thrown away first. It is off, and they pile up: run on with `c`. The loss ends at 0.60
(`9`), and `f` names the first step that added to a gradient which had been used already. Press `k` to turn
the knob on: the loss ends at 0.0015. At the start of a pass `z` zeroes the gradients by hand.
"""

SCENARIO = {
    "order": 9,
    "findings": {"zero_grad=off": ["stale-gradient"], "zero_grad=on": []},
    "hints": {
        "1:0": "p.grad is None: nothing has come yet.",
        "2:0": "The same pass again. p.grad holds what pass 1 left there, unless you zero it now: z.",
        "2:2": "If 4 was there and 4 was added, it is 8: two passes, one sum. p has not moved, so no harm.",
        "3:0": "p.grad was set to 0 before this pass.",
        "5:0": "theta**3 for the second time: 27 is there, and 27 will be added.",
        "6:0": "From here on a network learns XOR: one pass for each epoch.",
        "7:0": "The parameters have moved since pass 6. Do they still hold the gradients of that pass?",
        "505:0": "The last pass. The loss is 0.60 if the gradients piled up, and 0.0015 if not.",
    },
}

import torch
from torch import nn

import gradtui

zero_grad = gradtui.knob("zero_grad", False)

p = torch.tensor(2.0, requires_grad=True)
(p**2).backward()
assert p.grad == 4
(p**2).backward()
assert p.grad in (8, 4)  # 4 if you zeroed it at the start of the pass
p.grad.zero_()
(p**2).backward()
assert p.grad == 4

theta = torch.tensor(3.0, requires_grad=True)
(theta**3).backward()
assert theta.grad == 27
(theta**3).backward()
assert theta.grad in (54, 27)

torch.manual_seed(42)
net = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1), nn.Tanh())
optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
X = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = torch.tensor([[-1.0], [1.0], [1.0], [-1.0]])

for epoch in range(500):
    if zero_grad:
        optimizer.zero_grad()
    out = net(X)
    loss = ((out - y)**2).mean()
    loss.backward()
    optimizer.step()

print(f"p.grad = {p.grad}  theta.grad = {theta.grad}")
print(f"zero_grad {'on' if zero_grad else 'off'}: final loss {loss.item():.4f}")
assert f"{loss.item():.2f}" == ("0.00" if zero_grad else "0.60")
assert not zero_grad or f"{loss.item():.4f}" == "0.0015"
