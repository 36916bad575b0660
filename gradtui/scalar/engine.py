"""A scalar-valued autograd engine in the shape of karpathy's micrograd.

Programs and tests written for `micrograd.engine` run after changing the import. Each derivative
stands beside its operation; `backward` walks the graph with a stack, so a chain of a million nodes works.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from gradtui.scalar.arithmetic import divide, exponential, logarithm, logistic, power


def _leaf_backward() -> None:
    """A leaf passes nothing on."""


class Value:
    """A number that remembers how it was made, and the gradient of an output with respect to it.

    `data`: the number. `grad`: d output / d this, summed over every use and every `backward()`
    since it was last set to 0. `label`: a name for people; it has no effect.
    """

    __slots__ = ("__dict__", "__weakref__", "_backward", "_op", "_prev", "data", "grad", "label")

    def __init__(self, data: float, _children: Iterable[Value] = (), _op: str = "", label: str = "") -> None:
        self.data = data
        self.grad: float = 0.0
        self.label = label
        self._backward: Callable[[], None] = _leaf_backward
        self._prev = tuple(_children)
        self._op = _op

    # ------------------------------------------------------------ two operands

    def __add__(self, other: Value | float) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other), "+")

        def _backward() -> None:
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __sub__(self, other: Value | float) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data - other.data, (self, other), "-")

        def _backward() -> None:
            self.grad += out.grad
            other.grad -= out.grad

        out._backward = _backward
        return out

    def __mul__(self, other: Value | float) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other), "*")

        def _backward() -> None:
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def __truediv__(self, other: Value | float) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        out = Value(divide(self.data, other.data), (self, other), "/")

        def _backward() -> None:
            self.grad += divide(out.grad, other.data)
            other.grad -= out.grad * divide(out.data, other.data)

        out._backward = _backward
        return out

    def __pow__(self, other: Value | float) -> Value:
        """self ** other. A number is a constant exponent; a `Value` gets a gradient of its own."""
        if isinstance(other, Value):
            return self._pow_value(other)
        out = Value(power(self.data, other), (self,), f"**{other}")

        def _backward() -> None:
            if other != 0:
                self.grad += other * power(self.data, other - 1) * out.grad

        out._backward = _backward
        return out

    def _pow_value(self, other: Value) -> Value:
        out = Value(power(self.data, other.data), (self, other), "**")

        def _backward() -> None:
            if other.data != 0:
                self.grad += other.data * power(self.data, other.data - 1) * out.grad
            if not (self.data == 0 and other.data >= 0):  # the limit of b**e * log(b) is 0 there
                other.grad += out.data * logarithm(self.data) * out.grad

        out._backward = _backward
        return out

    # ------------------------------------------------------------- one operand

    def __neg__(self) -> Value:
        out = Value(-self.data, (self,), "neg")

        def _backward() -> None:
            self.grad -= out.grad

        out._backward = _backward
        return out

    def tanh(self) -> Value:
        """d tanh(x) / dx = 1 - tanh(x)**2."""
        t = math.tanh(self.data)
        out = Value(t, (self,), "tanh")

        def _backward() -> None:
            self.grad += (1 - t * t) * out.grad

        out._backward = _backward
        return out

    def exp(self) -> Value:
        """d e**x / dx = e**x."""
        out = Value(exponential(self.data), (self,), "exp")

        def _backward() -> None:
            self.grad += out.data * out.grad

        out._backward = _backward
        return out

    def log(self) -> Value:
        """Natural logarithm: d log(x) / dx = 1 / x."""
        out = Value(logarithm(self.data), (self,), "log")

        def _backward() -> None:
            self.grad += divide(out.grad, self.data)

        out._backward = _backward
        return out

    def relu(self) -> Value:
        """max(0, x); its derivative at 0 is taken as 0, as torch does."""
        out = Value(0 if self.data < 0 else self.data, (self,), "ReLU")

        def _backward() -> None:
            self.grad += (out.data > 0) * out.grad

        out._backward = _backward
        return out

    def sigmoid(self) -> Value:
        """s(x) = 1 / (1 + e**-x); d s / dx = s (1 - s)."""
        s = logistic(self.data)
        out = Value(s, (self,), "sigmoid")

        def _backward() -> None:
            self.grad += s * (1 - s) * out.grad

        out._backward = _backward
        return out

    # -------------------------------------------------- a number on the left side

    def __radd__(self, other: float) -> Value:
        return self + other

    def __rsub__(self, other: float) -> Value:
        return Value(other) - self

    def __rmul__(self, other: float) -> Value:
        return self * other

    def __rtruediv__(self, other: float) -> Value:
        return Value(other) / self

    def __rpow__(self, other: float) -> Value:
        return Value(other) ** self

    # ----------------------------------------------------------------- the pass

    def backward(self) -> None:
        """Add d self / d v to the `grad` of every value `v` that self was made from; self's becomes 1."""
        order = _topological(self)
        self.grad = 1.0
        for value in reversed(order):
            value._backward()

    def __repr__(self) -> str:
        return f"Value(data={self.data}, grad={self.grad})"


def _topological(root: Value) -> list[Value]:
    """Every value below root, operands before the values made from them."""
    order: list[Value] = []
    seen: set[Value] = set()
    stack: list[Value | None] = [root]
    while stack:
        value = stack.pop()
        if value is None:  # everything below the next one is in the order by now
            done = stack.pop()
            assert done is not None
            order.append(done)
        elif value not in seen:
            seen.add(value)
            if value._prev:
                stack.append(value)
                stack.append(None)
                stack.extend(value._prev)
            else:
                order.append(value)
    return order
