"""A neuron, one step at a time

`o = tanh(x1*w1 + x2*w2 + b)`. The program has computed `o` and now stands at the start of the way
back: how much would `o` move if each of the five leaves moved a little?

Press `n` to run one node of the backward pass, `N` to step back. Watch the two kinds of hand-over:
`+` gives what it received to both of its sides, `*` gives each side what it received times the *other*
side's value. So `w2` ends with a gradient of 0: it is multiplied by `x2`, which is 0, and no change of
`w2` can move `o`.

Then select `x2`, press `e`, give it another value and look at `w2` again. The `assert`s at the end hold
for the values as written; a run with another value leaves them out.
"""

SCENARIO = {
    "order": 1,
    "hints": {
        "1:0": "The pass begins at o with a gradient of 1: when o moves, o moves just as much.",
        "1:1": "tanh is steep in the middle and flat far out. Here its slope is 1 - o*o = 0.5.",
        "1:2": "A sum passes on what it received, unchanged, to both of its sides.",
        "1:4": "A product crosses over: x1 gets 0.5 times w1, and w1 gets 0.5 times x1.",
        "1:7": "w2 gets 0.5 times x2, and x2 is 0.",
        "1:10": "Every leaf has its gradient. Only w2 cannot move o.",
    },
}

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
    assert abs(leaf.grad - expected) < 1e-12, f"{name}.grad is {expected} for the values as written"
assert abs(o.data - 0.7071067811865477) < 1e-12, "o is 0.7071 for the values as written"
