"""Your own forward and backward, and a mistake in it

With `torch.autograd.Function` you give torch an operation of your own: a `forward`, what to save, and a
`backward`. Torch believes you. It cannot know that your derivative is wrong and passes on whatever you
return; so there is no finding here, for nothing contradicts anything else.

The function is `swish(x) = x * sigmoid(x)`, and its `backward` forgets that `x` is in both factors.
Press `n`, and the torch pane (`4`) shows what `SwishBackward` saved, received and sent. What does find
the mistake is a nudge, as in `nudge.py` (torch's own is `torch.autograd.gradcheck`): run on with `c` and
read the output. Then press `k` and turn `repaired` on.
"""

SCENARIO = {
    "order": 16,
    "findings": {"repaired=off": [], "repaired=on": []},
    "hints": {
        "1:1": "1 came in. The slope of swish at 2.25 is 1.0987: is that what was sent?",
        "1:2": "MulBackward0 is torch's own, and right. It passes on what it was given.",
        "1:3": "The leaf's gradient looks like any other. Run on with c: the nudge tells.",
    },
}

import torch

import gradtui

repaired = gradtui.knob("repaired", False)


class Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        if repaired:
            return grad * (s + x * s * (1 - s))
        return grad * s


def f(x):
    return Swish.apply(x * x)


x = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
out = f(x)
out.backward()

h = 1e-5
with torch.no_grad():
    nudged = (f(x + h) - f(x - h)) / (2 * h)

agree = abs(x.grad - nudged) < 1e-6
print(f"x.grad = {x.grad:.6f}  nudged = {nudged:.6f}  {'they agree' if agree else 'WRONG'}")
assert agree == repaired
