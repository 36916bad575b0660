"""What a scenario declares about itself, read from the file without running it.

    SCENARIO = {
        "order": 3,
        "findings": {"repaired=off": ["overwritten-gradient"], "repaired=on": []},
        "hints": {"1:2": "Here the first contribution is wiped out."},
    }

A plain literal at the top level. Everything in it may be left out: a scenario that declares no
findings is run once, as it is, and must have none.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradtui.session.errors import BadInput

NAME = "SCENARIO"
_HINT = re.compile(r"[1-9]\d*:\d+")


@dataclass(frozen=True)
class Case:
    """One way to run a scenario, and what must be found then."""

    settings: Mapping[str, str]
    """Knobs to set, as text after `--set`; {} for the defaults."""
    findings: tuple[str, ...]
    """The kinds of all findings, sorted; a kind that is found twice stands here twice."""

    @property
    def label(self) -> str:
        """`repaired=off`; '' for the defaults."""
        return " ".join(f"{name}={value}" for name, value in self.settings.items())


@dataclass(frozen=True)
class Scenario:
    """What the literal says."""

    order: float = float("inf")
    """Where it stands in a list of lessons; without one at the end."""
    cases: tuple[Case, ...] = (Case({}, ()),)
    hints: Mapping[tuple[int, int], str] | None = None
    """Texts that belong to a step, by (pass, step)."""
    declared: bool = False
    """Does the file have the literal?"""

    def hint(self, number: int, step: int) -> str | None:
        """The text for a position, None where there is none."""
        return (self.hints or {}).get((number, step))


def find_scenario(path: Path, tree: ast.Module) -> Scenario:
    """The scenario that a file declares. Raises `BadInput` for a literal that says something else."""
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        else:
            continue
        if any(isinstance(target, ast.Name) and target.id == NAME for target in targets):
            try:
                return _read(ast.literal_eval(value))
            except (ValueError, TypeError, SyntaxError, RecursionError) as error:
                raise BadInput(f"{path}, line {statement.lineno}: {NAME} {_why(error)}") from None
    return Scenario()


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, _Wrong) else "must be a plain literal (no names, no calls)"


class _Wrong(ValueError):
    """A literal of another shape."""


def _read(literal: Any) -> Scenario:
    if not isinstance(literal, dict):
        raise _Wrong("must be a dict")
    unknown = [str(key) for key in literal if key not in ("order", "findings", "hints")]
    if unknown:
        raise _Wrong(f"has an unknown entry '{unknown[0]}'; known are order, findings, hints")
    order = literal.get("order", float("inf"))
    if isinstance(order, bool) or not isinstance(order, (int, float)):
        raise _Wrong("'order' must be a number")
    return Scenario(order, _cases(literal.get("findings", [])), _hints(literal.get("hints", {})), True)


def _cases(findings: Any) -> tuple[Case, ...]:
    if isinstance(findings, (list, tuple)):
        return (Case({}, _kinds(findings)),)
    if not isinstance(findings, dict) or not findings:
        raise _Wrong("'findings' must be a list of kinds, or a dict from settings to such lists")
    return tuple(Case(_settings(key), _kinds(kinds)) for key, kinds in findings.items())


def _kinds(kinds: Any) -> tuple[str, ...]:
    if not isinstance(kinds, (list, tuple)) or not all(isinstance(kind, str) for kind in kinds):
        raise _Wrong("'findings' must hold lists of kinds, such as ['order']")
    return tuple(sorted(kinds))


def _settings(text: Any) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in str(text).split()]
    if not isinstance(text, str) or not all(name and sign for name, sign, _ in pairs):
        raise _Wrong(f"'findings' has the settings {text!r}; they read 'knob=value other=value'")
    return {name: value for name, _, value in pairs}


def _hints(hints: Any) -> dict[tuple[int, int], str]:
    if not isinstance(hints, dict) or not all(isinstance(text, str) for text in hints.values()):
        raise _Wrong("'hints' must be a dict from 'PASS:STEP' to a text")
    found = {}
    for at, text in hints.items():
        if not isinstance(at, str) or not _HINT.fullmatch(at):
            raise _Wrong(f"'hints' has the position {at!r}; positions read 'PASS:STEP', such as '1:3'")
        number, _, step = at.partition(":")
        found[int(number), int(step)] = text
    return found
