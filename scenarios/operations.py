"""Every operation and its derivative

An engine is a list of operations, each with one line for the way back. This lesson runs them all, one
small pass for each: minus, division, powers, a number on the left (`2 * x`), `exp`, `log`, `relu`,
`sigmoid`, and at last a `tanh` that is put together from exponentials.

Press `n` to step and `]` for the next pass. The torch pane (`4`) shows what PyTorch does at the same
node: its operation and its numbers. The program's own `assert`s compare each gradient with the formula
from the calculus book. Select `x` and edit it with `e`: the formulas hold for every positive value.
"""

SCENARIO = {
    "order": 5,
    "hints": {
        "1:1": "x - y: what comes goes to x as it is, and to y with its sign turned.",
        "3:1": "x / y: x gets 1 / y, and y gets -x / y**2.",
        "4:1": "x ** 3: the exponent comes down as a factor, 3 * x**2.",
        "6:1": "2 * x: the plain number 2 becomes a node too, and gets a gradient that nobody asks for.",
        "9:1": "relu where x > 0: everything passes.",
        "10:1": "relu where it is given -x < 0: nothing passes, and x ends with 0.",
        "12:0": "tanh(x) = (e - 1) / (e + 1) with e = exp(2 * x). e is used twice.",
    },
}

from math import exp, log, tanh

from gradtui.scalar import Value

x = Value(0.8)
y = Value(2.0)


def check(name, out, dx, dy=0.0):
    """Run a backward pass from `out` and compare the two gradients with what they should be."""
    x.grad = y.grad = 0.0
    out.backward()
    print(f"{name:16} = {out.data:8.4f}   d/dx = {x.grad:8.4f}   d/dy = {y.grad:8.4f}")
    assert abs(x.grad - dx) < 1e-9 * (1 + abs(dx))
    assert abs(y.grad - dy) < 1e-9 * (1 + abs(dy))


u, v = x.data, y.data
s = 1 / (1 + exp(-u))
e = (2 * x).exp()

check("x - y", x - y, 1, -1)
check("-x", -x, -1)
check("x / y", x / y, 1 / v, -u / v**2)
check("x ** 3", x ** 3, 3 * u**2)
check("x ** y", x ** y, v * u**(v - 1), u**v * log(u))
check("2 * x", 2 * x, 2)
check("exp(x)", x.exp(), exp(u))
check("log(x)", x.log(), 1 / u)
check("relu(x)", x.relu(), 1)
check("relu(-x)", (-x).relu(), 0)
check("sigmoid(x)", x.sigmoid(), s * (1 - s))
check("tanh from exp", (e - 1) / (e + 1), 1 - tanh(u)**2)
