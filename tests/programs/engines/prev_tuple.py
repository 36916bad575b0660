"""Operands kept as a tuple; subtraction and division are operations of their own."""


class Scalar:
    def __init__(self, data, _prev=(), _op=""):
        self.data = data
        self.grad = 0.0
        self._prev = tuple(_prev)
        self._op = _op
        self._backward = self._nothing

    def _nothing(self):
        pass

    def __add__(self, other):
        other = wrap(other)
        out = Scalar(self.data + other.data, (self, other), "+")

        def _backward():
            self.grad = self.grad + out.grad
            other.grad = other.grad + out.grad

        out._backward = _backward
        return out

    def __sub__(self, other):
        other = wrap(other)
        out = Scalar(self.data - other.data, (self, other), "-")

        def _backward():
            self.grad += out.grad
            other.grad -= out.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        other = wrap(other)
        out = Scalar(self.data * other.data, (self, other), "*")

        def _backward():
            grad_self = out.grad * other.data
            grad_other = out.grad * self.data
            self.grad += grad_self
            other.grad += grad_other

        out._backward = _backward
        return out

    def __truediv__(self, other):
        other = wrap(other)
        out = Scalar(self.data / other.data, (self, other), "/")

        def _backward():
            self.grad += out.grad / other.data
            other.grad += -out.grad * self.data / other.data**2

        out._backward = _backward
        return out

    def backward(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((child, False) for child in node._prev)
        self.grad = 1.0
        while order:
            order.pop()._backward()


def wrap(x):
    return x if isinstance(x, Scalar) else Scalar(float(x))


a = Scalar(2.0)
b = Scalar(-3.0)
double = a + a
square = b * b
out = double * square
out.backward()
assert (a.grad, b.grad) == (18.0, -24.0)

c = Scalar(4.0)
d = Scalar(0.5)
difference = c - d
zero = c - c
ratio = difference / c
one = ratio / ratio
end = one + zero * ratio
end.backward()
