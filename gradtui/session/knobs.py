"""Knobs of a program: found by reading the file, never by running it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gradtui.session.errors import BadInput
from gradtui.userapi import parse_knob, show

KnobValue = bool | int | float | str


@dataclass(frozen=True)
class Knob:
    """One `gradtui.knob(name, default, choices=...)` of a program."""

    name: str
    default: KnobValue
    choices: tuple[KnobValue, ...] | None
    """None: anything of the default's type."""
    line: int

    @property
    def options(self) -> tuple[KnobValue, ...]:
        """What a person can pick from a list; empty where only typing serves."""
        if self.choices is not None:
            return self.choices
        return (False, True) if isinstance(self.default, bool) else ()

    def describe(self) -> str:
        """`name=default (one of ...)`."""
        options = f" (one of {', '.join(show(o) for o in self.options)})" if self.options else ""
        return f"{self.name}={show(self.default)}{options}"


def find_knobs(tree: ast.AST) -> tuple[Knob, ...]:
    """Every call of `knob` with a literal name and default, in the order of the file."""
    found: dict[str, Knob] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) == "knob":
            knob = _read_call(node)
            if knob is not None:
                found.setdefault(knob.name, knob)
    return tuple(sorted(found.values(), key=lambda k: k.line))


def _called(node: ast.Call) -> str | None:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", None)


def _read_call(node: ast.Call) -> Knob | None:
    given = dict(zip(("name", "default", "choices"), node.args))
    given.update({k.arg: k.value for k in node.keywords if k.arg})
    try:
        values = {key: ast.literal_eval(value) for key, value in given.items()}
    except (ValueError, TypeError, SyntaxError):
        return None
    name, default, choices = values.get("name"), values.get("default"), values.get("choices")
    if not isinstance(name, str) or not isinstance(default, (bool, int, float, str)):
        return None
    listed = isinstance(choices, (list, tuple, set))
    return Knob(name, default, tuple(choices) if listed and choices else None, node.lineno)


def check_settings(knobs: Sequence[Knob], settings: Mapping[str, str]) -> None:
    """Raises `BadInput` for an unknown knob, a value of another type, or one not among the choices."""
    known = {knob.name: knob for knob in knobs}
    for name, text in settings.items():
        if name not in known:
            has = "; ".join(k.describe() for k in knobs)
            raise BadInput(
                f"unknown knob {name!r}: "
                + (f"this program has {has}" if has else "this program has no knobs")
            )
        knob = known[name]
        try:
            value = parse_knob(name, text, knob.default)
        except ValueError as error:
            raise BadInput(str(error)) from None
        if knob.choices is not None and value not in knob.choices:
            raise BadInput(f"knob {name}={text}: choose one of {', '.join(map(show, knob.choices))}")


def parse_settings(pairs: Iterable[str]) -> dict[str, str]:
    """`["a=1", "b=off"]` to a mapping. Raises `BadInput` where there is no `=`."""
    settings = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name.strip():
            raise BadInput(f"--set {pair}: write --set name=value")
        settings[name.strip()] = value
    return settings
