"""Finding and checking the program file before anything is started."""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass
from pathlib import Path

import gradtui
from gradtui.session.errors import BadInput
from gradtui.session.knobs import Knob, find_knobs


@dataclass(frozen=True)
class Program:
    """A program that can be started: it exists and compiles."""

    path: Path
    text: str
    title: str
    """First line of the docstring, else the file's name."""
    knobs: tuple[Knob, ...]


def lessons_folder() -> Path:
    """Where the bundled lessons lie: in the installed package, or beside it in a checkout."""
    inside = Path(gradtui.__file__).parent / "scenarios"
    return inside if inside.is_dir() else Path(gradtui.__file__).parent.parent / "scenarios"


def lessons() -> list[Program]:
    """The bundled lessons that can be read, by file name."""
    return [open_program(str(path)) for path in sorted(lessons_folder().glob("*.py"))]


def open_program(name: str) -> Program:
    """The program that `name` means: a path, or the name of a bundled lesson.

    Raises `BadInput` when there is none, or it is no Python program, or has a syntax error.
    """
    path = _find(name)
    text = _read(path)
    try:
        tree = ast.parse(text, str(path))
        compile(tree, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise BadInput(_show_syntax_error(path, error)) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise BadInput(f"{path} cannot be compiled: {error}") from None
    docstring = ast.get_docstring(tree)
    title = docstring.strip().splitlines()[0] if docstring and docstring.strip() else path.name
    return Program(path, text, title, find_knobs(tree))


def _find(name: str) -> Path:
    path = Path(name)
    if path.is_dir():
        inside = sorted(path.glob("*.py"))
        hint = f": name one of its files, e.g. {inside[0]}" if inside else " without Python files"
        raise BadInput(f"{name} is a directory{hint}")
    if path.exists():
        return path
    lesson = lessons_folder() / (path.name if path.suffix == ".py" else path.name + ".py")
    if lesson.is_file() and (path.parent == Path() or path.parent.name == "scenarios"):
        return lesson
    raise BadInput(f"no such file: {name} (`gradtui` alone lists the bundled lessons)")


def _read(path: Path) -> str:
    if path.suffix not in (".py", ".pyw", ""):
        raise BadInput(f"{path} is not a Python file (its name ends in {path.suffix})")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from None
    if b"\0" in data:
        raise BadInput(f"{path} is not a Python file (it holds binary data)")
    try:
        with io.BytesIO(data) as file:
            encoding, _ = tokenize.detect_encoding(file.readline)
        return data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not a Python file ({error})") from None


def _show_syntax_error(path: Path, error: SyntaxError) -> str:
    lines = [f"syntax error in {path}, line {error.lineno}: {error.msg}"]
    if error.text:
        text = error.text.rstrip("\n")
        lines.append(f"    {text}")
        if error.offset:
            lines.append("    " + " " * (error.offset - 1) + "^")
    return "\n".join(lines)
