"""Gradients are gathered in a dictionary and written when all is done: no step of it sends anything."""


class Value:
    def __init__(self, data, _prev=(), _op=""):
        self.data = data
        self.grad = 0.0
        self._prev = _prev
        self._op = _op
        self._backward = lambda grad: ()

    def __add__(self, other):
        out = Value(self.data + other.data, (self, other), "+")
        out._backward = lambda grad: (grad, grad)
        return out

    def __mul__(self, other):
        out = Value(self.data * other.data, (self, other), "*")
        out._backward = lambda grad: (grad * other.data, grad * self.data)
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
        grads = {v: 0.0 for v in order}
        grads[self] = 1.0
        for v in reversed(order):
            for child, grad in zip(v._prev, v._backward(grads[v])):
                grads[child] += grad
        for v in order:
            v.grad += grads[v]


a = Value(2.0)
b = Value(-3.0)
double = a + a
square = b * b
out = double * square
out.backward()
out.backward()
assert (a.grad, b.grad) == (36.0, -48.0)
