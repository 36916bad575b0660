"""What a user's own code may call: `knob` and `engine`. Harmless when not under gradtui; knows no room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
K = TypeVar("K", bool, int, float, str)


@dataclass(frozen=True)
class Shape:
    """Under which names a scalar engine keeps what every engine has. The defaults are the lecture's."""

    data: str = "data"
    grad: str = "grad"
    inputs: str = "_prev"
    op: str | None = "_op"
    step: str | None = "_backward"
    backward: str = "backward"


LECTURE = Shape()

registered: dict[type, Shape] = {}
"""Every class given to `engine`, for a probe that arrives later."""
on_engine: list[Callable[[type, Shape], None]] = []
"""The active probe's ear for classes given to `engine`."""
settings: dict[str, str] = {}
"""Knob values set from outside (`--set`), as text; the probe fills it before the program starts."""


def engine(
    cls: type[T] | None = None,
    *,
    data: str = "data",
    grad: str = "grad",
    inputs: str = "_prev",
    op: str | None = "_op",
    step: str | None = "_backward",
    backward: str = "backward",
) -> type[T] | Callable[[type[T]], type[T]]:
    """Register a scalar engine whose attributes have other names. A class decorator or a plain call.

    `data`, `grad`: the number and its gradient. `inputs`: the operands of a node, an iterable
    (empty or None for a leaf). `op`: the operation's name, None if there is none. `step`: the
    function of each node that passes its gradient on to its operands; None when `backward` does
    that in one loop, then a step is what is written on behalf of one node. `backward`: the method
    that runs a pass. The lecture's own shape needs no registration. Returns the class unchanged.

        gradtui.engine(Scalar, inputs="_children", step=None)
    """
    shape = Shape(data, grad, inputs, op, step, backward)

    def register(target: type[T]) -> type[T]:
        if not callable(getattr(target, backward, None)):
            raise TypeError(
                f"gradtui.engine: {target.__name__} has no method {backward!r}; "
                "say which method runs a pass with backward=..."
            )
        registered[target] = shape
        for hear in on_engine:
            hear(target, shape)
        return target

    return register if cls is None else register(cls)


def knob(name: str, default: K, choices: Sequence[K] | None = None) -> K:
    """A setting of the program that gradtui can change from outside (`--set name=value`).

    Returns `default` when not under gradtui, or when nobody set it. A value set from outside comes
    in the type of `default`. Raises `ValueError` for a value that is not among the `choices` or does
    not fit the type. gradtui finds knobs by reading the file, so `name`, `default` and `choices`
    must be literals there.
    """
    text = settings.get(name)
    if text is None:
        return default
    value = parse_knob(name, text, default)
    if choices is not None and value not in choices:
        raise ValueError(f"knob {name}={text}: choose one of {', '.join(show(c) for c in choices)}")
    return value


def parse_knob(name: str, text: str, default: K) -> K:
    """The text of a setting in the type of the knob's default. Raises `ValueError` where it does not fit."""
    kind = type(default)
    if kind is bool:
        words = {"true": True, "on": True, "yes": True, "1": True}
        words |= {"false": False, "off": False, "no": False, "0": False}
        if text.strip().lower() not in words:
            raise ValueError(f"knob {name}={text}: this knob is on or off")
        return kind(words[text.strip().lower()])
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"knob {name}={text}: not a value of type {kind.__name__}") from None


def show(value: object) -> str:
    """A knob's value as it is typed after `--set name=`."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
