"""The lesson of a recorded program: its text lies in the recording, and says what the file said."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

from gradtui.session.errors import BadInput
from gradtui.session.scenarios import find_scenario
from gradtui.trace import Trace

Hints = Mapping[tuple[int, int], str]
"""Texts of a lesson by (pass, step)."""


def lesson_in(trace: Trace) -> tuple[str, Hints]:
    """The program's docstring and its hints; ('', {}) where its text was not recorded."""
    name = Path(trace.hello.program).name if trace.hello is not None else ""
    for source in trace.sources.values():
        if source.text is not None and Path(source.path).name == name:
            try:
                tree = ast.parse(source.text)
            except (SyntaxError, ValueError, RecursionError):
                return "", {}
            lesson = (ast.get_docstring(tree) or "").strip()
            try:
                return lesson, find_scenario(Path(source.path), tree).hints or {}
            except BadInput:
                return lesson, {}
    return "", {}
