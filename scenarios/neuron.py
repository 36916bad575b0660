"""The two-input tanh neuron, stepped

`o = tanh(x1*w1 + x2*w2 + b)`. Press `n` to run one node of the backward pass at a time and watch
the gradient of `o` travel to every value that made it. `N` steps back.

Look for the two kinds of hand-over: `+` passes on what it received to both sides, `*` gives each
side the *other* side's value as a factor. `w2` ends with a gradient of 0 because `x2` is 0: no
change of `w2` can move `o`.
"""

from gradtui.scalar import Value

x1 = Value(2.0)
x2 = Value(0.0)
w1 = Value(-3.0)
w2 = Value(1.0)
b = Value(6.8813735870195432)

n = x1*w1 + x2*w2 + b
o = n.tanh()

o.backward()

print(f"o = {o.data}")
for name, leaf, expected in (("x1", x1, -1.5), ("w1", w1, 1.0), ("x2", x2, 0.5), ("w2", w2, 0.0)):
    print(f"{name}.grad = {leaf.grad}")
    assert abs(leaf.grad - expected) < 1e-12
assert abs(o.data - 0.7071067811865477) < 1e-12
