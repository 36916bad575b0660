"""Two paths meet: the skip connection

`y = relu(W2 @ relu(W1 @ x)) + x`. The result of the block is added to the block's own input. So the
gradient comes back to `x` on two paths: through the block, where each `relu` may stop it and each
matrix may shrink it, and straight along the `+ x`, where it arrives as it was sent.

Press `n` and watch the ledger of `x`: `[1, 1]` comes along the skip, `[0.375, 0.75]` through the block.
Then press `k` and turn `skip` off: only the smaller part is left. Think of fifty such blocks in a row,
each with a share like this, and you see why deep networks have skip connections.
"""

SCENARIO = {
    "order": 15,
    "findings": {"skip=on": [], "skip=off": []},
    "hints": {
        "1:0": "x is used twice if skip is on: in W1 @ x, and in the sum.",
        "1:2": "With skip on, this is the sum: x has been sent [1, 1] already, and the block has not even begun.",
        "1:6": "With skip on, this is the inner relu. W1 @ x is [-1, 2.5]: nothing passes where it is -1.",
        "1:9": "Both paths have met: [1, 1] + [0.375, 0.75].",
    },
}

import torch

import gradtui

skip = gradtui.knob("skip", True)

x = torch.tensor([1.0, 2.0], requires_grad=True)
W1 = torch.tensor([[1.0, -1.0], [0.5, 1.0]], requires_grad=True)
W2 = torch.tensor([[1.0, 0.5], [-1.0, 0.25]], requires_grad=True)

h = torch.relu(W1 @ x)
block = torch.relu(W2 @ h)
y = block + x if skip else block
out = y.sum()
out.backward()

print(f"W1 @ x = {(W1 @ x).tolist()}  h = {h.tolist()}  block = {block.tolist()}")
print(f"x.grad = {x.grad.tolist()}")
assert x.grad.tolist() == ([1.375, 1.75] if skip else [0.375, 0.75])
assert W1.grad[0].tolist() == [0, 0]  # the relu was closed there
