"""`_backward` returns the gradients of the operands, and the loop that called it adds them."""


class Value:
    def __init__(self, data, _prev=(), _op="", _backward=None):
        self.data = data
        self.grad = 0.0
        self._prev = _prev
        self._op = _op
        self._backward = _backward or (lambda grad: ())

    def __add__(self, other):
        return Value(self.data + other.data, (self, other), "+", lambda grad: (grad, grad))

    def __mul__(self, other):
        return Value(
            self.data * other.data, (self, other), "*", lambda grad: (grad * other.data, grad * self.data)
        )

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
            for child, grad in zip(v._prev, v._backward(v.grad)):
                child.grad += grad


a = Value(2.0)
b = Value(-3.0)
double = a + a
square = b * b
out = double * square
out.backward()
assert (a.grad, b.grad) == (18.0, -24.0)
