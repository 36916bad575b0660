"""Operands kept as a list; the operations are functions that make the node first and fill it afterwards."""


class Value:
    def __init__(self, data):
        self.data = data
        self.grad = 0
        self._prev = []
        self._op = ""
        self._backward = lambda: None

    def __add__(self, other):
        return add(self, other)

    def __mul__(self, other):
        return mul(self, other)

    def relu(self):
        return relu(self)

    def backward(self):
        topo, visited = [], []

        def build(v):
            if not any(v is u for u in visited):
                visited.append(v)
                [build(child) for child in v._prev]
                topo.insert(0, v)

        build(self)
        self.grad = 1
        for v in topo:
            v._backward()


def add(x, y):
    out = Value(x.data + y.data)
    out._prev = [x, y]
    out._op = "add"

    def _backward():
        x.grad += out.grad
        y.grad += out.grad

    out._backward = _backward
    return out


def mul(x, y):
    out = Value(x.data * y.data)
    out._prev = [x, y]
    out._op = "mul"

    def _backward():
        x.grad += out.grad * y.data
        y.grad += out.grad * x.data

    out._backward = _backward
    return out


def relu(x):
    out = Value(max(0, x.data))
    out._prev = [x]
    out._op = "relu"

    def _backward():
        if out.data > 0:
            x.grad += out.grad

    out._backward = _backward
    return out


a = Value(2)
b = Value(-3)
double = a + a
square = b * b
out = double * square
out.backward()
assert (a.grad, b.grad) == (18, -24)

rest = relu(b)
kept = relu(a)
total = rest + kept
total.backward()
