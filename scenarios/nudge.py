"""Is the gradient right? Nudge a leaf and look

A gradient is a promise: move this leaf by a small `h`, and the output moves by `h` times the
gradient. A promise can be tested. After the backward pass this program moves each leaf a little up and
a little down, computes the neuron again, and divides the difference by `2*h`: no calculus, only two
forward runs for each leaf. Both columns must agree.

Step through the pass with `n`, run on with `c`, and read the output. Then press `k` and change `h`. With
0.1 the curve bends between the two points; with 1e-13 the two outputs are so close that rounding eats
their difference. In between the test is very good, and it works for every formula, also for your own.
"""

SCENARIO = {
    "order": 6,
    "findings": {"h=0.1": [], "h=1e-05": [], "h=1e-13": []},
    "hints": {
        "1:0": "One backward pass gives all five gradients at once. Nudging takes two forward runs for each.",
        "1:10": "Now the program nudges: press c and compare the two columns in the output.",
    },
}

import gradtui
from gradtui.scalar import Value

h = gradtui.knob("h", 1e-05, choices=[0.1, 1e-05, 1e-13])

x1 = Value(0.5)
x2 = Value(0.7)
w1 = Value(-0.8194)
w2 = Value(0.9692)
b = Value(0.4034)


def neuron():
    return (x1*w1 + x2*w2 + b).tanh()


def nudged(leaf):
    """The slope of the neuron along one leaf, from one value above and one below."""
    here = leaf.data
    leaf.data = here + h
    above = neuron().data
    leaf.data = here - h
    below = neuron().data
    leaf.data = here
    return (above - below) / (2 * h)


out = neuron()
out.backward()

print(f"out = {out.data:.4f}\n      gradient  nudged")
for name, leaf in (("x1", x1), ("x2", x2), ("w1", w1), ("w2", w2), ("b", b)):
    slope = nudged(leaf)
    print(f"{name}   {leaf.grad:9.6f}  {slope:9.6f}")
    assert abs(slope - leaf.grad) < h**2 + 1e-15 / h  # the curve bends; numbers are rounded

assert f"{out.data:.4f}" == "0.5864", "the figures below hold for the values as written"
grads = [f"{leaf.grad:.4f}" for leaf in (x1, x2, w1, w2, b)]
assert grads == ["-0.5377", "0.6359", "0.3281", "0.4593", "0.6562"]
