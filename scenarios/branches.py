"""A value that is used twice gets two contributions

A gradient answers one question: how does the output move when this value moves? A value that is used
in two places moves the output in two ways, and the answer is the *sum* of both.

Pass 1 is `f = (x + y) * y`. Press `n` and keep an eye on the ledger of `y`: it gets 5 from the product
and 3 from the sum, 8 together. Press `]` for pass 2, where `a` and `b` are each used twice below a
`tanh`, and say before each step which of the two is about to get something.
"""

SCENARIO = {
    "order": 2,
    "hints": {
        "1:1": "y has its first contribution: the other side of the product, x + y, which is 5.",
        "1:2": "The sum gives y a second one. It is added to the first: 5 + 3 = 8.",
        "2:0": "b is used in t1 and again in t2; a is used in t1 and again in c.",
        "2:2": "a has its first contribution. The second will come from the product t1.",
        "2:4": "The product sends b times its gradient to a, and a times it to b. Both had something.",
    },
}

from gradtui.scalar import Value

x = Value(2.0)
y = Value(3.0)
f = (x + y) * y
f.backward()

print(f"f = {f.data}  df/dx = {x.grad}  df/dy = {y.grad}")
assert (f.data, x.grad, y.grad) == (15, 3, 8), "15, 3 and 8 hold for the values as written"

a = Value(0.5001)
b = Value(0.71)
t1 = a * b
t2 = t1 + b
c = t2 + a
d = c.tanh()
d.backward()

print(f"d = {d.data}  dd/da = {a.grad}  dd/db = {b.grad}")
assert abs(c.data - 1.5651709999999999) < 1e-12
assert abs(d.data - 0.9162542319535778) < 1e-12
assert abs(a.grad - 0.27441769195044236) < 1e-12
assert abs(b.grad - 0.24073332145898163) < 1e-12
assert abs(c.grad - 0.16047818242715928) < 1e-12
assert d.grad == 1
