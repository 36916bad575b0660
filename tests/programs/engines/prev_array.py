"""Operands in a numpy array of objects, ops that are a class of text of their own."""

import numpy as np


class Op(str):
    def __str__(self):
        return f"<{self}>"


class Value:
    def __init__(self, data, _children=(), _op=""):
        self.data = data
        self.grad = 0.0
        self._prev = np.array((*_children, None), dtype=object)[:-1]
        self._op = Op(_op)
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
                for child in v._prev:
                    visit(child)
                order.append(v)

        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            v._backward()


a = Value(2.0)
b = Value(-3.0)
double = a + a
square = b * b
out = double * square
out.backward()
assert (a.grad, b.grad) == (18.0, -24.0)
