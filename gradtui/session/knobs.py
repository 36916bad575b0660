"""Knobs of a program: found by reading the file, never by running it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradtui.session.errors import BadInput
from gradtui.userapi import parse_knob
from gradtui.userapi import show as show

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
    """Every call of gradtui's `knob` with a literal name and default, in the order of the file.

    Choices that are no literal list are left to the program, which enforces them when it runs.
    """
    called = _Called(tree)
    found: dict[str, Knob] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called.knob(node.func):
            knob = _read_call(node)
            if knob is not None and (knob.name not in found or knob.line < found[knob.name].line):
                found[knob.name] = knob
    return tuple(sorted(found.values(), key=lambda k: k.line))


class _Called:
    """Under which names the file imports gradtui and its `knob`, wherever in the file it does."""

    def __init__(self, tree: ast.AST) -> None:
        self._modules: set[str] = set()
        self._functions: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for name in node.names:
                    if name.name == "gradtui" or (name.name.startswith("gradtui.") and not name.asname):
                        self._modules.add(name.asname or "gradtui")
            elif isinstance(node, ast.ImportFrom) and node.module == "gradtui" and not node.level:
                self._functions.update(n.asname or n.name for n in node.names if n.name in ("knob", "*"))
        if "*" in self._functions:
            self._functions.add("knob")

    def knob(self, function: ast.expr) -> bool:
        """Is this expression gradtui's `knob`?"""
        if isinstance(function, ast.Attribute):
            module = function.value
            return function.attr == "knob" and isinstance(module, ast.Name) and module.id in self._modules
        return isinstance(function, ast.Name) and function.id in self._functions


def _read_call(node: ast.Call) -> Knob | None:
    given = dict(zip(("name", "default", "choices"), node.args))
    given.update({k.arg: k.value for k in node.keywords if k.arg})
    name, default = _literal(given.get("name")), _literal(given.get("default"))
    if not isinstance(name, str) or not isinstance(default, (bool, int, float, str)):
        return None
    choices = _literal(given.get("choices"))
    listed = isinstance(choices, (list, tuple)) and choices
    return Knob(name, default, tuple(choices) if listed else None, node.lineno)


def _literal(node: ast.expr | None) -> Any:
    """The value written there; None where it is no literal."""
    try:
        return None if node is None else ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


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
            value = parse_knob(name, text, knob.default)  # type: ignore[type-var]  # one of its types
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
        if name.strip() in settings:
            raise BadInput(f"--set {pair}: {name.strip()} is set twice")
        settings[name.strip()] = value
    return settings
