"""`grad` is a property over `_grad`, and the engine writes through both."""


class Value:
    def __init__(self, data, _children=(), _op=""):
        self.data = data
        self._grad = 0.0
        self._prev = tuple(_children)
        self._op = _op
        self._backward = lambda: None

    @property
    def grad(self):
        return self._grad

    @grad.setter
    def grad(self, value):
        if not isinstance(value, (int, float)):
            raise TypeError("a gradient is a number")
        self._grad = value

    def __add__(self, other):
        out = Value(self.data + other.data, (self, other), "+")

        def _backward():
            self._grad += out._grad
            other._grad += out._grad

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
