"""A dataclass with slots: the class that is decorated is thrown away and made a second time."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Value:
    data: float
    grad: float = 0.0
    _prev: list = field(default_factory=list)
    _op: str = ""
    _backward: Any = None

    def __add__(self, other):
        out = Value(data=self.data + other.data, _prev=[self, other], _op="+")

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        out = Value(data=self.data * other.data, _prev=[self, other], _op="*")

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def backward(self):
        order, seen = [], set()

        def visit(v):
            if id(v) not in seen:
                seen.add(id(v))
                for child in v._prev:
                    visit(child)
                order.append(v)

        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            if v._backward:
                v._backward()


a = Value(2.0)
b = Value(-3.0)
double = a + a
square = b * b
out = double * square
out.backward()
assert (a.grad, b.grad) == (18.0, -24.0)
