"""An engine that a program imports from elsewhere."""


class Value:
    def __init__(self, data, _children=(), _op=""):
        self.data = data
        self.grad = 0.0
        self._prev = set(_children)
        self._op = _op
        self._backward = lambda: None

    @staticmethod
    def of(x):
        return x if isinstance(x, Value) else Value(x)

    def __add__(self, other):
        return _binary("+", self, Value.of(other), lambda x, y: x + y, lambda x, y: (1.0, 1.0))

    def __mul__(self, other):
        return _binary("*", self, Value.of(other), lambda x, y: x * y, lambda x, y: (y, x))

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


def _binary(op, left, right, forward, slopes):
    out = Value(forward(left.data, right.data), (left, right), op)

    def _backward():
        dleft, dright = slopes(left.data, right.data)
        left.grad += dleft * out.grad
        right.grad += dright * out.grad

    out._backward = _backward
    return out
