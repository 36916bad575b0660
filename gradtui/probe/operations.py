"""A scalar engine's op in torch's words.

Engines name their ops as they like (`*`, `mul`, `Mul`, `**2`, `ReLU`), so a name only proposes
candidates; the one whose forward value agrees with the engine's is taken. None that agrees: no twin.
Needs torch, which the caller has imported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
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


def candidates(torch: Any, op: str, count: int, closure: dict[str, Any]) -> Iterator[Function]:
    """Torch functions of `count` tensors that `op` may mean, the likeliest first.

    `closure`: numbers that the node's backward function holds, for a constant exponent that the op
    does not name, or a constant operand.
    """
    word = op.strip().strip("_").lower()
    word = word.removesuffix("backward").removesuffix("()").strip("_ ")
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
            names = [*(n for n in _EXPONENTS if n in closure), *closure]
            for value in dict.fromkeys(closure[n] for n in names):
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
