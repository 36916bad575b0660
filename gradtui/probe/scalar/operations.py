"""A scalar engine's op in torch's words.

Engines name their ops as they like (`*`, `mul`, `Mul`, `**2`, `ReLU`), so a name only proposes
candidates; which of them a node is, its values tell (`choice.py`). Needs torch, which the caller has
imported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
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


_SYMMETRIC = ("add", "mul", "maximum", "minimum")
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


def side_of(functions: Iterable[str], op: str) -> str | None:
    """On which side of `op` the constant stands, or that it is a sign: `left`, `right`, `neg`, else None.

    `functions`: the engine's functions that made the node, innermost first: `__rsub__` tells.
    """
    for function in functions:
        name, word = function.strip("_").lower(), _word(function)
        if word in _UNARY and word not in _BINARY:
            return "neg" if _UNARY[word] == "neg" else None
        if word in _BINARY:
            if _BINARY[word] != _BINARY.get(_word(op)):
                return None  # made within another operation
            return "left" if name in _REFLECTED else "right"
    return None


def ambiguous(op: str, count: int, ordered: bool) -> bool:
    """May `op` mean several functions of `count` tensors, or of tensors in another order?"""
    word = _word(op)
    if count == 1:
        return word in _BINARY or word in _FORMULAS
    return count == 2 and not ordered and _BINARY.get(word) not in _SYMMETRIC


def needs_constant(op: str, count: int) -> bool:
    """Is it an operation of two with one operand in the graph?"""
    return count == 1 and _word(op) in _BINARY


def candidates(
    torch: Any, op: str, count: int, numbers: Callable[[], dict[str, float]], side: str | None = None
) -> Iterator[Function]:
    """Torch functions of `count` tensors that `op` may mean, the likeliest first.

    `numbers`: plain numbers that the node holds by name, for a constant exponent that the op does
    not name, or a constant operand. `side`: see `side_of`.
    """
    word = _word(op)
    if count == 2 and word in _BINARY:
        yield getattr(torch, _BINARY[word])
    if count == 1:
        match = _POWER.match(op.strip().lower())
        if match:
            yield _raise_to(float(match.group(1)))
        word = word.replace("_", "")
        if word in _BINARY and side != "neg":
            yield from _with_constant(torch, _BINARY[word], numbers(), side)
        if word in _UNARY and (word not in _BINARY or side in ("neg", None)):
            yield getattr(torch, _UNARY[word])
            if word in _BINARY and side is None:
                yield _less_twice
        if word in _ACTIVATIONS:
            yield getattr(torch.nn.functional, _ACTIVATIONS[word])
        yield from [formula(torch) for formula in _FORMULAS.get(word, ())]
    if count > 2 and word in ("+", "sum", "add"):
        yield lambda *tensors: torch.stack(tensors).sum()


def _with_constant(torch: Any, name: str, held: dict[str, float], side: str | None) -> Iterator[Function]:
    """An operation of two with a plain number on one side."""
    function = getattr(torch, name)
    names = [*(n for n in _EXPONENTS if n in held), *held]
    for value in dict.fromkeys(held[n] for n in names):
        if side != "left" or name in _SYMMETRIC:
            yield _raise_to(value) if name == "pow" else _right(torch, function, value)
        if side != "right" and name not in _SYMMETRIC:
            yield _left(torch, function, value)


def _less_twice(x: Any) -> Any:
    """`x - c` with a constant that nobody knows, which gives the same as `-x` where `c` is `2*x`."""
    return x - 2 * x.detach()


@lru_cache(maxsize=2)
def _gelu_by_tanh(torch: Any) -> Function:
    return partial(torch.nn.functional.gelu, approximate="tanh")


@lru_cache(maxsize=2)
def _gelu_by_sigmoid(torch: Any) -> Function:
    return lambda x: x * torch.sigmoid(1.702 * x)


_FORMULAS: dict[str, tuple[Callable[[Any], Function], ...]] = {"gelu": (_gelu_by_tanh, _gelu_by_sigmoid)}
"""Approximations that go by the same name as the function itself."""


def _raise_to(exponent: float) -> Function:
    return lambda x: x**exponent


def _right(torch: Any, function: Function, value: float) -> Function:
    return lambda x: function(x, torch.tensor(value, dtype=torch.float64))


def _left(torch: Any, function: Function, value: float) -> Function:
    return lambda x: function(torch.tensor(value, dtype=torch.float64), x)
