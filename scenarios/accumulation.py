"""b = a + a: a gradient that is overwritten

The engine below is a student's, thirty lines long, and its `+` has the classic bug: it *sets* the
gradient of its operands (`=`) where it has to *add* to it (`+=`). With two different operands
nobody notices. With `b = a + a` both contributions go to the same place, and the second wipes out
the first: `a.grad` is 1 where it should be 2.

Press `n` and watch the ledger of `a`: two contributions of 1 arrive, the running sum stays 1. Once
`a` itself has run, the torch pane puts beside it what torch has there: 2. `f` lists the finding, with
the line at fault. Then press `k` and turn the knob `repaired` on.
"""

SCENARIO = {
    "order": 3,
    "findings": {"repaired=off": ["overwritten-gradient"], "repaired=on": []},
    "hints": {
        "1:0": "a is on both sides of the +, so two contributions of 1 will come to it.",
        "1:1": "Both contributions came in this one step. Did the second add to the first, or replace it?",
        "1:2": "What a ends with: 1 if the second replaced the first, 2 if it was added.",
    },
}

import gradtui

repaired = gradtui.knob("repaired", False)


class Value:
    def __init__(self, data, _children=(), _op=""):
        self.data = data
        self.grad = 0.0
        self._backward = lambda: None
        self._prev = set(_children)
        self._op = _op

    def __add__(self, other):
        out = Value(self.data + other.data, (self, other), "+")

        def _backward():
            if repaired:
                self.grad += out.grad
                other.grad += out.grad
            else:
                self.grad = out.grad
                other.grad = out.grad

        out._backward = _backward
        return out

    def backward(self):
        order, seen = [], set()

        def visit(v):
            if v not in seen:
                seen.add(v)
                for child in v._prev:
                    visit(child)
                order.append(v)

        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            v._backward()


a = Value(3.0)
b = a + a
b.backward()

print(f"a.grad = {a.grad}")
assert a.grad == (2.0 if repaired else 1.0)
