"""Answers what is asked of a tensor at a stop: one of the node's, by name, or an expression's result."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any

from gradtui.probe.expressions import raised
from gradtui.probe.numbers import number
from gradtui.probe.slices import parse_slice
from gradtui.probe.watching import is_tensor, text_of
from gradtui.wire.figures import bins_of, decades_of, figures_of, grid_of
from gradtui.wire.messages import Inspect, Inspected, Summary, Value

_NAMED = re.compile(r"(received|sent)\[\d+\]|output(\[\d+\])?|saved\.\w+(\[\d+\])?|buffer\.\w+|value|grad")


def answer(
    command: Inspect, node: int, found: Mapping[str, Any], evaluate: Callable[[CodeType], Any], stands: bool
) -> Inspected:
    """`found`: the node's tensors by name. `stands`: does the program stand at that node?"""
    readable = tuple(found)
    what = command.what.strip() or (readable[0] if readable else "value")
    told = Inspected(command.request, node, what, command.slice, readable=readable)
    try:
        if what in found:
            fields = _fields(found[what], command.slice)
        elif _NAMED.fullmatch(what) and (not stands or not what.startswith(("value", "grad"))):
            fields = {"error": _why_not(what, stands)}
        else:
            fields = _fields(evaluate(compile(what, "<inspect>", "eval")), command.slice)
    except SyntaxError as error:
        fields = {"error": f"`{what}` is no Python expression: {error.msg}"}
    except BaseException as error:  # the person's expression or slice
        plain = type(error) is ValueError
        fields = {"error": str(error) if plain else raised(error)}
    return _with(told, fields)


def _with(told: Inspected, fields: Mapping[str, Any]) -> Inspected:
    known = {name: getattr(told, name) for name in told.__struct_fields__}
    return Inspected(**{**known, **fields})


def _why_not(what: str, stands: bool) -> str:
    if what.startswith(("received", "sent")):
        if stands:
            return f"there is no {what} here: the node has no such gradient, or it is None"
        return f"{what} of this node is not there at this stop: torch frees a gradient once it is used"
    if what.startswith("saved"):
        return f"{what} is not there: torch has freed it, or reading it would run hooks of the program"
    return f"{what} is not there any more, or never was: the program has let go of it"


def _fields(result: Any, part: str) -> dict[str, Any]:
    if is_tensor(result):
        from gradtui.probe.pytorch.looking import look

        return look(result, part)
    value = None if isinstance(result, bool) else number(result)
    if value is None:
        return {"text": text_of(result)}
    if part.strip() and parse_slice(part):
        raise ValueError(
            "a slice is of a tensor; this is " + ("a number" if isinstance(value, float) else "an array")
        )
    return of_value(value)


def of_value(value: Value) -> dict[str, Any]:
    """The fields of a number, or of an array of which all entries are known."""
    if not isinstance(value, Summary):
        value = Summary((), "float64", "cpu", values=(value,))
    facts: dict[str, Any] = {"shape": value.shape, "part": value.shape, "dtype": value.dtype}
    facts["device"] = value.device
    if value.values is None:
        return {**facts, "note": "only its norm is known"}
    return {
        **facts,
        "figures": figures_of(value.values),
        "bins": bins_of(value.values),
        "decades": decades_of(value.values),
        "grid": grid_of(value.values, value.shape),
    }
