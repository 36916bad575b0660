"""A node that runs too early

A node may run only when *everything* that uses it has run: until then its gradient is not complete.
A topological sort gives such an order. This student's engine runs the nodes as it meets them on the
way down from the output instead, and that is right as long as the graph is a tree.

Here `c` is used by `d` and by `e`. Press `n` and watch: `c` runs before `d` has sent its contribution,
passes on a part of its gradient, and what comes later stays in `c`. Every formula is right; only the
order is wrong. Once `d` has run, `f` tells which node was too early. Then press `k` and turn `repaired` on: now a node
enters the list after its operands, and in front of them.
"""

SCENARIO = {
    "order": 4,
    "findings": {"repaired=off": ["order"], "repaired=on": []},
    "hints": {
        "1:0": "c is used twice: by d = c + b and by e = c * d. It must wait for both.",
        "1:1": "e has sent c its first contribution. The second one must come from d.",
        "1:2": "Which node ran now? If it is c, it was too early: d has not sent anything yet.",
    },
}

import gradtui

repaired = gradtui.knob("repaired", False)


class Value:
    def __init__(self, data, _prev=(), _op=""):
        self.data = data
        self.grad = 0.0
        self._prev = _prev
        self._op = _op
        self._backward = lambda: None

    def __add__(self, other):
        out = Value(self.data + other.data, (self, other), "+")

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        out = Value(self.data * other.data, (self, other), "*")

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def backward(self):
        order, seen = [], set()

        def visit(v):
            if v not in seen:
                seen.add(v)
                if not repaired:
                    order.append(v)  # on the way down: its other users may come later
                for operand in v._prev:
                    visit(operand)
                if repaired:
                    order.insert(0, v)  # on the way up: all of its operands stand behind it

        visit(self)
        self.grad = 1.0
        for v in order:
            v._backward()


a = Value(2.0)
b = Value(-3.0)
c = a * b
d = c + b
e = c * d
e.backward()

print(f"e = {e.data}  a.grad = {a.grad}  b.grad = {b.grad}")
assert (a.grad, b.grad) == ((45.0, -36.0) if repaired else (27.0, -24.0))
