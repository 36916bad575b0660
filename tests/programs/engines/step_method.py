"""`_backward` is one method that looks at `_op`."""

import math


class Value:
    def __init__(self, data, _prev=(), _op=None):
        self.data = data
        self.grad = 0.0
        self._prev = _prev
        self._op = _op

    def __add__(self, other):
        return Value(self.data + other.data, (self, other), "+")

    def __mul__(self, other):
        return Value(self.data * other.data, (self, other), "*")

    def __neg__(self):
        return Value(-self.data, (self,), "neg")

    def sigmoid(self):
        return Value(1 / (1 + math.exp(-self.data)), (self,), "sigmoid")

    def _backward(self):
        if self._op == "+":
            left, right = self._prev
            left.grad += self.grad
            right.grad += self.grad
        elif self._op == "*":
            left, right = self._prev
            left.grad += right.data * self.grad
            right.grad += left.data * self.grad
        elif self._op == "neg":
            self._prev[0].grad -= self.grad
        elif self._op == "sigmoid":
            self._prev[0].grad += self.data * (1 - self.data) * self.grad

    def topological(self):
        seen, order = set(), []

        def visit(v):
            if v in seen:
                return
            seen.add(v)
            for p in v._prev:
                visit(p)
            order.append(v)

        visit(self)
        return reversed(order)

    def backward(self):
        self.grad = 1.0
        for v in self.topological():
            v._backward()


a = Value(2.0)
b = Value(-3.0)
double = a + a
square = b * b
out = double * square
out.backward()
assert (a.grad, b.grad) == (18.0, -24.0)

minus = -b
squashed = minus.sigmoid()
squashed.backward()
