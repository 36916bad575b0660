"""Everything has another name; one call registers the class."""

import gradtui


class Scalar:
    def __init__(self, value, parents=(), name=""):
        self.value = value
        self.derivative = 0.0
        self.parents = parents
        self.name = name
        self.push = lambda: None

    def __add__(self, other):
        out = Scalar(self.value + other.value, (self, other), "+")

        def push():
            self.derivative += out.derivative
            other.derivative += out.derivative

        out.push = push
        return out

    def __mul__(self, other):
        out = Scalar(self.value * other.value, (self, other), "*")

        def push():
            self.derivative += other.value * out.derivative
            other.derivative += self.value * out.derivative

        out.push = push
        return out

    def __pow__(self, n):
        out = Scalar(self.value**n, (self,), "power")

        def push():
            self.derivative += n * self.value ** (n - 1) * out.derivative

        out.push = push
        return out

    def backpropagate(self):
        order, seen = [], set()

        def visit(v):
            if v not in seen:
                seen.add(v)
                for parent in v.parents:
                    visit(parent)
                order.append(v)

        visit(self)
        self.derivative = 1.0
        for v in reversed(order):
            v.push()


gradtui.engine(
    Scalar, data="value", grad="derivative", inputs="parents", op="name", step="push", backward="backpropagate"
)

a = Scalar(2.0)
b = Scalar(-3.0)
double = a + a
square = b * b
out = double * square
out.backpropagate()
assert (a.derivative, b.derivative) == (18.0, -24.0)

cube = b**3
cube.backpropagate()
