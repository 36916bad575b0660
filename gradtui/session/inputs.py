"""Inputs of a program: named numbers that a person may change without touching the file.

An input is a name at the top level of the file that is given a literal number or a list of numbers:
`x1 = Value(2.0)`, `w = torch.tensor([1.0, 2.0], requires_grad=True)`, `lr = 0.1`. To change one, the
program is run again with another literal in its place.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gradtui.session.errors import BadInput
from gradtui.wire.messages import Edit


@dataclass(frozen=True)
class Input:
    """One literal in the file."""

    name: str
    text: str
    """As it is written there: `2.0`."""
    line: int
    start: int
    """Offset in the line, in bytes of UTF-8."""
    end: int

    def edited(self, text: str) -> Edit:
        """The change that puts `text` in its place. Raises `BadInput` where that is no such literal."""
        try:
            new = ast.parse(text.strip(), mode="eval").body
            written = ast.unparse(new)  # on one line, without a comment
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            new = None
        old = ast.parse(self.text, mode="eval").body
        if new is None or not _is_numbers(new) or _nesting(new) != _nesting(old):
            kind = "a list of numbers such as" if _nesting(old) else "a number such as"
            raise BadInput(f"{self.name} = {text}: write {kind} {self.text}")
        return Edit(self.line, self.start, self.end, written)


def find_inputs(tree: ast.Module, text: str) -> tuple[Input, ...]:
    """The inputs of a file, in its order. A name that is given a value twice is none."""
    found: dict[str, Input | None] = {}
    for name, value in _assignments(tree):
        literal = _literal_of(value)
        one_line = literal is not None and literal.lineno == literal.end_lineno
        if literal is None or not one_line or name in found:
            found[name] = None
        else:
            assert literal.end_col_offset is not None
            written = ast.get_source_segment(text, literal) or ""
            found[name] = Input(name, written, literal.lineno, literal.col_offset, literal.end_col_offset)
    return tuple(found_input for found_input in found.values() if found_input is not None)


def edits(inputs: Sequence[Input], values: Mapping[str, str]) -> tuple[Edit, ...]:
    """The changes for these values by name. Raises `BadInput` for a name that is no input, or a bad value."""
    known = {found.name: found for found in inputs}
    for name in values:
        if name not in known:
            names = f"; those are {', '.join(known)}" if known else ""
            raise BadInput(f"{name} is not given a literal number at the top level of the program{names}")
    return tuple(known[name].edited(text) for name, text in values.items())


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for statement in tree.body:
        pairs: list[tuple[ast.expr, ast.expr]] = []
        match statement:
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                pairs = [(target, value)]
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                pairs = list(zip(names, values)) if len(names) == len(values) else []
            case ast.Assign(targets=[target], value=value):
                pairs = [(target, value)]
        for target, value in pairs:
            if isinstance(target, ast.Name):
                yield target.id, value


_SIZES = {"range", "arange", "randn", "rand", "randint", "zeros", "ones", "empty", "eye", "full"}
"""Functions whose first number is a size or a bound, not a value."""
_OTHERS = {"knob", "manual_seed", "seed"}


def _literal_of(value: ast.expr) -> ast.expr | None:
    """The number(s) that a name is made from: the value itself, or all that a call is given by position."""
    while isinstance(value, ast.Call):
        function = value.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if len(value.args) != 1 or name in _SIZES | _OTHERS:
            return None
        value = value.args[0]
    return value if _is_numbers(value) else None


def _is_numbers(value: ast.expr) -> bool:
    """A number, or (nested) lists and tuples of them, not empty."""
    if isinstance(value, ast.UnaryOp) and isinstance(value.op, (ast.USub, ast.UAdd)):
        value = value.operand
    if isinstance(value, ast.Constant):
        return type(value.value) in (int, float)
    return isinstance(value, (ast.List, ast.Tuple)) and bool(value.elts) and all(map(_is_numbers, value.elts))


def _nesting(value: ast.expr) -> int:
    depth = 0
    while isinstance(value, (ast.List, ast.Tuple)) and value.elts:
        value, depth = value.elts[0], depth + 1
    return depth
