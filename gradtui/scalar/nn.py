"""Neurons, layers and a multi-layer perceptron over `Value`, compatible with karpathy's `micrograd.nn`.

With the same `random.seed` they draw the same weights in the same order.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from gradtui.scalar.engine import Value


class Module:
    """Something with parameters."""

    def zero_grad(self) -> None:
        """Set every parameter's `grad` to 0."""
        for p in self.parameters():
            p.grad = 0.0

    def parameters(self) -> list[Value]:
        """All parameters, in a fixed order."""
        return []


class Neuron(Module):
    """activation(w . x + b), w uniform in [-1, 1], b = 0. `activation` names a method of `Value`."""

    def __init__(self, nin: int, nonlin: bool = True, activation: str = "relu") -> None:
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0.0)
        self.nonlin = nonlin
        self.activation = activation

    def __call__(self, x: Sequence[Value | float]) -> Value:
        """x: `nin` values or numbers."""
        act = sum((wi * xi for wi, xi in zip(self.w, x)), self.b)
        if not self.nonlin:
            return act
        activated: Value = getattr(act, self.activation)()
        return activated

    def parameters(self) -> list[Value]:
        return [*self.w, self.b]

    def __repr__(self) -> str:
        kind = {"relu": "ReLU"}.get(self.activation, self.activation.capitalize())
        return f"{kind if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    """`nout` neurons over the same inputs."""

    def __init__(self, nin: int, nout: int, **kwargs: Any) -> None:
        self.neurons = [Neuron(nin, **kwargs) for _ in range(nout)]

    def __call__(self, x: Sequence[Value | float]) -> Value | list[Value]:
        """A list of `nout` values, or the value itself where `nout` is 1."""
        out = [n(x) for n in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self) -> list[Value]:
        return [p for n in self.neurons for p in n.parameters()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(str(n) for n in self.neurons)}]"


class MLP(Module):
    """Layers of sizes nin -> nouts[0] -> ...; the last one is linear unless `last_nonlin`."""

    def __init__(
        self, nin: int, nouts: Sequence[int], activation: str = "relu", last_nonlin: bool = False
    ) -> None:
        sizes = [nin, *nouts]
        self.layers = [
            Layer(a, b, nonlin=last_nonlin or i != len(nouts) - 1, activation=activation)
            for i, (a, b) in enumerate(zip(sizes, nouts))
        ]

    def __call__(self, x: Any) -> Any:
        """x: `nin` values or numbers. Returns what the last layer returns."""
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self) -> list[Value]:
        return [p for layer in self.layers for p in layer.parameters()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(str(layer) for layer in self.layers)}]"
