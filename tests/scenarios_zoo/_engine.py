"""What the scenarios beside it share: no scenario itself, by its name."""


class Value:
    broken = False
    """Does `+` set a gradient where it has to add to it?"""

    def __init__(self, data, _children=(), _op=""):
        self.data = data
        self.grad = 0.0
        self._backward = lambda: None
        self._prev = set(_children)
        self._op = _op

    def __add__(self, other):
        out = Value(self.data + other.data, (self, other), "+")

        def _backward():
            if Value.broken:
                self.grad = out.grad
                other.grad = out.grad
            else:
                self.grad += out.grad
                other.grad += out.grad

        out._backward = _backward
        return out

    def backward(self):
        self.grad = 1.0
        self._backward()
