"""Results that no variable holds are written out from their operands: `x1*w1 + b`, `tanh(n)`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import torch

from gradtui.probe.pytorch.graph import Graph
from gradtui.probe.pytorch.private import op_of, packed, readable, saved_value
from gradtui.probe.written import written_out

_SIGNS = {
    "Add": "+",
    "Sub": "-",
    "Mul": "*",
    "Div": "/",
    "Mm": "@",
    "Mv": "@",
    "Dot": "@",
    "Bmm": "@",
    "Neg": "neg",
}
_CALLED = {
    "Tanh", "Exp", "Log", "Relu", "Sigmoid", "Sin", "Cos", "Sqrt", "Abs", "Sum", "Mean", "Softmax",
    "LogSoftmax", "Gelu", "Silu", "Clone", "Norm", "Prod", "Max", "Min", "Var", "Std", "Cumsum", "Squeeze",
}  # fmt: skip
_SAVED_AS = {
    "Mm": ("self", "mat2"),
    "Bmm": ("self", "mat2"),
    "Mv": ("self", "vec"),
    "Dot": ("self", "tensor"),
}
"""Under which names operations save their operands; the others as `self` and `other`."""
_PATH = re.compile(r"[\w.\[\]]+")
_NAME = re.compile(r"^(\w+?)Backward\d*$")


def write_out(
    graph: Graph,
    told: list[tuple[str | None, bool, Any]],
    outputs: Mapping[int, Mapping[int, str]],
    inputs: Mapping[int, str],
) -> None:
    """Name what is nameless in `told`, which is in the order of the graph's nodes.

    `outputs`: names of a node's outputs by their number, by the node's `id()`. `inputs`: names of tensors
    without a gradient, by theirs.
    """
    nameless = [i for i, (name, _, _) in enumerate(told) if name is None and graph.leaves[i] is None]
    nameless = [i for i in reversed(nameless) if _word(type(graph.nodes[i]).__name__) is not None]
    for i in (*nameless, *nameless):  # operands may come after their users in the walk
        if told[i][0] is not None:
            continue
        node, operands = graph.nodes[i], []
        for slot, target in enumerate(graph.inputs[i]):
            if target is None:
                operands.append(_input(node, slot, inputs))
                continue
            at, output = graph.at[target], graph.outputs[i][slot] if graph.outputs[i] else 0
            named = outputs.get(id(graph.nodes[at]), {})
            operands.append(named.get(output) if any(named) or output else told[at][0])
        text = _written_out(node, operands)
        if text is not None:
            told[i] = (text, False, None)


def _input(node: Any, slot: int, inputs: Mapping[int, str]) -> str | None:
    """An operand that needs no gradient, where torch saved it: a number, or a tensor that was met."""
    match = _NAME.match(op_of(node))
    named = _SAVED_AS.get(match.group(1) if match else "", ("self", "other"))
    if slot >= len(named) or not hasattr(type(node), "_saved_" + named[slot]) or packed(node, named[slot]):
        return None
    try:
        saved = saved_value(node, named[slot])
    except RuntimeError:  # freed, or changed in place since
        return None
    if not isinstance(saved, torch.Tensor):
        return None
    found = inputs.get(id(saved))
    if found is None and not readable(saved) and saved.dim() == 0:
        return f"{saved.item():g}"
    return found


@lru_cache(maxsize=2_000)
def _word(kind: str) -> str | None:
    """The word for an op that can be written out, `Mul` for `MulBackward0`; None for any other."""
    match = _NAME.match(kind)
    word = match.group(1) if match is not None else ""
    return word if word in _SIGNS or word in _CALLED or word in ("Pow", "T") else None


def _written_out(node: Any, operands: list[str | None]) -> str | None:
    word = _word(type(node).__name__) or ""
    if word in _SIGNS:
        if any(operands):  # one that needs no gradient may be nowhere to be found: `out - …`
            unknown = [function is None for function, _ in node.next_functions]
            operands = ["…" if o is None and gone else o for o, gone in zip(operands, unknown)]
        return written_out(_SIGNS[word], operands)
    if word == "Pow":
        exponent = getattr(node, "_saved_exponent", None)
        if isinstance(exponent, (int, float)):
            return written_out(f"**{exponent:g}", operands[:1])
        return written_out("**", operands)
    if word == "T":
        return f"{operands[0]}.T" if operands and _PATH.fullmatch(operands[0] or "") else None
    return written_out(word.lower(), operands[:1]) if word in _CALLED else None
