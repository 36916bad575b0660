"""Operations called by words: 'Add', 'mul', 'pow', '**2', 'ReLU', 'div', 'ln'."""

import math


class Value:
    def __init__(self, data, _children=(), _op=""):
        self.data = data
        self.grad = 0.0
        self._prev = list(_children)
        self._op = _op
        self._backward = lambda: None

    def _node(self, data, children, op, slopes):
        out = Value(data, children, op)

        def _backward():
            for child, slope in zip(children, slopes):
                child.grad += slope * out.grad

        out._backward = _backward
        return out

    def __add__(self, other):
        return self._node(self.data + other.data, (self, other), "Add", (1.0, 1.0))

    def __mul__(self, other):
        return self._node(self.data * other.data, (self, other), "mul", (other.data, self.data))

    def __truediv__(self, other):
        slopes = (1 / other.data, -self.data / other.data**2)
        return self._node(self.data / other.data, (self, other), "div", slopes)

    def __pow__(self, n):
        op = "**2" if n == 2 else "pow"
        out = Value(self.data**n, (self,), op)

        def _backward():
            self.grad += n * self.data ** (n - 1) * out.grad

        out._backward = _backward
        return out

    def relu(self):
        return self._node(max(0.0, self.data), (self,), "ReLU", (float(self.data > 0),))

    def log(self):
        return self._node(math.log(self.data), (self,), "ln", (1 / self.data,))

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

two = b**2
three = a**3
ratio = two / three
kept = ratio.relu()
end = kept.log()
end.backward()
