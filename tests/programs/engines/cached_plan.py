"""`backward` keeps its plan, the step functions themselves, and runs it again the next time."""


class Value:
    def __init__(self, data, _children=(), _op=""):
        self.data = data
        self.grad = 0.0
        self._prev = set(_children)
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
        if not hasattr(self, "order"):
            self.order, seen = [], set()

            def visit(v):
                if v not in seen:
                    seen.add(v)
                    for child in v._prev:
                        visit(child)
                    self.order.append(v)

            visit(self)
            self.plan = [v._backward for v in reversed(self.order)]
        for v in self.order:
            v.grad = 0.0
        self.grad = 1.0
        for step in self.plan:
            step()


a = Value(2.0)
b = Value(-3.0)
double = a + a
square = b * b
out = double * square
out.backward()
out.backward()
out.backward()
assert (a.grad, b.grad) == (18.0, -24.0)
