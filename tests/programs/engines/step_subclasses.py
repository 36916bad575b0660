"""Each operation is a class with a `_backward` of its own; `_op` is a class attribute."""


class Value:
    _op = ""

    def __init__(self, data, *prev):
        self.data = data
        self.grad = 0.0
        self._prev = prev

    def _backward(self):
        pass

    def __add__(self, other):
        return Add(self.data + other.data, self, other)

    def __mul__(self, other):
        return Mul(self.data * other.data, self, other)

    def __pow__(self, n):
        return Pow(self, n)

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for child in node._prev:
                    visit(child)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in order[::-1]:
            node._backward()


class Add(Value):
    _op = "Add"

    def _backward(self):
        for operand in self._prev:
            operand.grad += self.grad


class Mul(Value):
    _op = "Mul"

    def _backward(self):
        x, y = self._prev
        x.grad += y.data * self.grad
        y.grad += x.data * self.grad


class Pow(Value):
    _op = "Pow"

    def __init__(self, base, n):
        super().__init__(base.data**n, base)
        self.n = n

    def _backward(self):
        super()._backward()
        (base,) = self._prev
        base.grad += self.n * base.data ** (self.n - 1) * self.grad


a = Value(2.0)
b = Value(-3.0)
double = a + a
square = b * b
out = double * square
out.backward()
assert (a.grad, b.grad) == (18.0, -24.0)

cube = b**3
cube.backward()
