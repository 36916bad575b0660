"""Another graph in every pass

There is no graph before the program runs. Each operation adds a node as it is executed, so an `if` or a
`while` of plain Python decides what the graph will be, and every pass may walk another one.

Here a value is doubled until its size is at least 10, and then its sign is turned if it is negative.
Press `]` to go from pass to pass and watch the graph: 3 is doubled twice, 0.5 five times, 12 not at all.
The gradient counts the doublings, a factor of 2 for each. The `if` and the `while` themselves leave no
node behind: the graph knows only what was computed.
"""

SCENARIO = {
    "order": 10,
    "hints": {
        "1:0": "x = 3: the loop ran twice, so there are two products and two constants.",
        "2:0": "x = 0.5: the same code, five products.",
        "3:0": "x = -4: two products, and a negation that the other passes do not have.",
        "4:0": "x = 12: neither the loop nor the branch did anything. The only node is the leaf itself.",
    },
}

from gradtui.scalar import Value


def until_large(y):
    while abs(y.data) < 10:
        y = y * 2
    if y.data < 0:
        y = -y
    return y


for start, expected in ((3.0, 4), (0.5, 32), (-4.0, -4), (12.0, 1)):
    x = Value(start)
    y = until_large(x)
    y.backward()
    print(f"x = {x.data:4}  y = {y.data:4}  dy/dx = {x.grad}")
    assert x.grad == expected
