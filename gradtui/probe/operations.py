"""A scalar engine's op in torch's words.

Engines name their ops as they like (`*`, `mul`, `Mul`, `**2`, `ReLU`), so a name only proposes
candidates; the one whose forward value agrees with the engine's is taken. None that agrees: no twin.
Needs torch, which the caller has imported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

Function = Callable[..., Any]

_BINARY: dict[str, str] = {
    "+": "add", "add": "add", "plus": "add", "sum": "add",
    "-": "sub", "sub": "sub", "subtract": "sub", "minus": "sub",
    "*": "mul", "mul": "mul", "multiply": "mul", "times": "mul", "prod": "mul",
    "/": "div", "div": "div", "divide": "div", "truediv": "div",
    "**": "pow", "^": "pow", "pow": "pow", "power": "pow",
    "max": "maximum", "maximum": "maximum", "min": "minimum", "minimum": "minimum",
    "atan2": "atan2",
}  # fmt: skip
_UNARY: dict[str, str] = {
    "-": "neg", "neg": "neg", "negative": "neg", "usub": "neg",
    "tanh": "tanh", "exp": "exp", "log": "log", "ln": "log", "relu": "relu", "sigmoid": "sigmoid",
    "σ": "sigmoid", "logistic": "sigmoid", "sqrt": "sqrt", "sin": "sin", "cos": "cos", "tan": "tan",
    "abs": "abs", "square": "square", "sqr": "square", "inv": "reciprocal", "reciprocal": "reciprocal",
    "log2": "log2", "log10": "log10", "log1p": "log1p", "expm1": "expm1", "sinh": "sinh", "cosh": "cosh",
    "atan": "atan", "arctan": "atan", "asin": "asin", "acos": "acos", "erf": "erf", "sign": "sign",
}  # fmt: skip
_ACTIVATIONS: dict[str, str] = {
    "softplus": "softplus", "gelu": "gelu", "silu": "silu", "swish": "silu", "elu": "elu",
    "leakyrelu": "leaky_relu", "lrelu": "leaky_relu", "softsign": "softsign", "relu6": "relu6",
    "hardtanh": "hardtanh", "logsigmoid": "logsigmoid",
}  # fmt: skip
_POWER = re.compile(r"^(?:\*\*|\^|pow|power)[\s_(:,=]*([-+]?[0-9.]+(?:e[-+]?\d+)?)\)?$", re.IGNORECASE)
_EXPONENTS = ("other", "exponent", "power", "n", "k", "p", "exp", "pow", "b", "y")


_REFLECTED = {"radd": "+", "rsub": "-", "rmul": "*", "rtruediv": "/", "rpow": "**"}


@lru_cache(maxsize=1_024)
def _word(op: str) -> str:
    """An op without the decorations that engines give it: `__add__`, `AddBackward`, `mul()`."""
    word = op.strip().strip("_").lower()
    word = word.removesuffix("backward").removesuffix("()").strip("_ ")
    return _REFLECTED.get(word, word)


@lru_cache(maxsize=1_024)
def sign_of(function: str) -> str | None:
    """The op that an engine's function of this name computes (`__mul__`: `*`), None if unknown."""
    word = _word(function)
    if word in _BINARY:
        return {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}.get(_BINARY[word], word)
    return word if word in _UNARY or word in _ACTIVATIONS else None


def candidates(
    torch: Any, op: str, count: int, numbers: Callable[[], dict[str, float]]
) -> Iterator[Function]:
    """Torch functions of `count` tensors that `op` may mean, the likeliest first.

    `numbers`: plain numbers that the node holds by name, for a constant exponent that the op does
    not name, or a constant operand.
    """
    word = _word(op)
    if count == 2 and word in _BINARY:
        yield getattr(torch, _BINARY[word])
    if count == 1:
        match = _POWER.match(op.strip().lower())
        if match:
            yield _raise_to(float(match.group(1)))
        word = word.replace("_", "")
        if word in _UNARY:
            yield getattr(torch, _UNARY[word])
        if word in _ACTIVATIONS:
            yield getattr(torch.nn.functional, _ACTIVATIONS[word])
        if word in _BINARY:  # a constant on one side
            function = getattr(torch, _BINARY[word])
            held = numbers()
            names = [*(n for n in _EXPONENTS if n in held), *held]
            for value in dict.fromkeys(held[n] for n in names):
                if _BINARY[word] == "pow":
                    yield _raise_to(value)
                else:
                    yield _right(function, value)
                yield _left(torch, function, value)
    if count > 2 and word in ("+", "sum", "add"):
        yield lambda *tensors: torch.stack(tensors).sum()


def _raise_to(exponent: float) -> Function:
    return lambda x: x**exponent


def _right(function: Function, value: float) -> Function:
    return lambda x: function(x, value)


def _left(torch: Any, function: Function, value: float) -> Function:
    return lambda x: function(torch.tensor(value, dtype=torch.float64), x)
