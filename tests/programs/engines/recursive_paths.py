"""Recursive with the gradient handed down: every path from the root is walked by itself, which is right on any graph."""


class Value:
    def __init__(self, data, _prev=(), _op=""):
        self.data = data
        self.grad = 0.0
        self._prev = _prev
        self._op = _op
        self._backward = lambda grad: None

    def __add__(self, other):
        out = Value(self.data + other.data, (self, other), "+")

        def _backward(grad):
            self.backward(grad)
            other.backward(grad)

        out._backward = _backward
        return out

    def __mul__(self, other):
        out = Value(self.data * other.data, (self, other), "*")

        def _backward(grad):
            self.backward(other.data * grad)
            other.backward(self.data * grad)

        out._backward = _backward
        return out

    def backward(self, grad=1.0):
        self.grad += grad
        self._backward(grad)


a = Value(2.0)
b = Value(-3.0)
double = a + a
square = b * b
part = double * square
deeper = part * double
out = part * deeper
out.backward()
assert (a.grad, b.grad) == (24 * 2.0**2 * 81.0, 32 * 2.0**3 * -27.0)
