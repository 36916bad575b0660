"""Leaves have no step function, gradients begin as None, and an added one goes through a method."""


class Value:
    def __init__(self, data, _prev=None, _op=None):
        self.data = data
        self.grad = None
        self._prev = _prev
        self._op = _op
        self._backward = None

    def accumulate(self, grad):
        self.grad = grad if self.grad is None else self.grad + grad

    def __add__(self, other):
        out = Value(self.data + other.data, [self, other], "+")

        def _backward():
            self.accumulate(out.grad)
            other.accumulate(out.grad)

        out._backward = _backward
        return out

    def __mul__(self, other):
        out = Value(self.data * other.data, [self, other], "*")

        def _backward():
            self.accumulate(other.data * out.grad)
            other.accumulate(self.data * out.grad)

        out._backward = _backward
        return out

    def backward(self):
        order, seen = [], set()

        def visit(v):
            if v not in seen:
                seen.add(v)
                for child in v._prev or ():
                    visit(child)
                order.append(v)

        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            if v._prev:
                v._backward()


a = Value(2.0)
b = Value(-3.0)
double = a + a
square = b * b
out = double * square
out.backward()
assert (a.grad, b.grad) == (18.0, -24.0)
