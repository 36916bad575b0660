"""Finding and checking the program file or module before anything is started."""

from __future__ import annotations

import ast
import io
import os
import tokenize
import warnings
from dataclasses import dataclass
from pathlib import Path

import gradtui
from gradtui.session.errors import BadInput
from gradtui.session.inputs import Input, find_inputs
from gradtui.session.knobs import Knob, find_knobs
from gradtui.session.modules import find_module
from gradtui.session.scenarios import Scenario, find_scenario


@dataclass(frozen=True)
class Program:
    """A program that can be started: it exists and compiles."""

    path: Path
    text: str
    title: str
    """First line of the docstring, else the file's name."""
    knobs: tuple[Knob, ...]
    inputs: tuple[Input, ...]
    """Named numbers that can be changed for the next run."""
    name: str
    """The path as the person wrote it (`./train.py`)."""
    lesson: str
    """The docstring, dedented; '' where there is none."""
    scenario: Scenario
    engine: str
    """`torch`, `scalar`, or '' where the imports do not tell."""
    module: str = ""
    """The module's name, where it is run as `python -m` does; '' for a file."""


def lessons_folder() -> Path:
    """Where the bundled lessons lie: in the installed package, or beside it in a checkout."""
    inside = Path(gradtui.__file__).parent / "scenarios"
    return inside if inside.is_dir() else Path(gradtui.__file__).parent.parent / "scenarios"


def lessons() -> list[Program]:
    """The bundled lessons, in their order."""
    return [program for program in programs_in(lessons_folder()) if isinstance(program, Program)]


def programs_in(folder: Path) -> list[Program | BadInput]:
    """Every Python file of a folder, lessons in their order; for one that cannot be run, why."""
    found: list[Program | BadInput] = []
    for path in sorted(folder.glob("*.py")):
        try:
            found.append(open_program(str(path)))
        except BadInput as error:
            found.append(error)
    return sorted(found, key=lambda p: p.scenario.order if isinstance(p, Program) else float("inf"))


def open_program(name: str) -> Program:
    """The program that `name` means: a path, or the name of a bundled lesson.

    Raises `BadInput` when there is none, or it is no Python program, or has a syntax error.
    """
    path = _find(name)
    return _opened(path, name if Path(name) == path else str(path))


def open_module(name: str) -> Program:
    """The program that `python -m NAME` would run. Nothing is imported. Raises `BadInput` likewise."""
    path = find_module(name)
    return _opened(path, str(path), name)


def _opened(path: Path, written: str, module: str = "") -> Program:
    text = _read(path)
    tree = _compiled(path, text)
    lesson = (ast.get_docstring(tree) or "").strip()
    title = lesson.splitlines()[0] if lesson else module or path.name
    scenario = find_scenario(path, tree)
    return Program(
        path,
        text,
        title,
        find_knobs(tree),
        find_inputs(tree, text),
        written,
        lesson,
        scenario,
        _engine_of(tree),
        module,
    )


def _engine_of(tree: ast.Module) -> str:
    """Whose passes the program is about, as far as its text tells."""
    imported = {
        "gradtui.scalar" if name.startswith("gradtui.scalar") else name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    own = any(
        {"backward", operator} <= {node.name for node in cls.body if isinstance(node, ast.FunctionDef)}
        for cls in ast.walk(tree)
        if isinstance(cls, ast.ClassDef)
        for operator in ("__add__", "__mul__")
    )
    if own or imported & {"gradtui.scalar", "micrograd"}:
        return "scalar"
    return "torch" if "torch" in imported else ""


def _compiled(path: Path, text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the program's own process will say them
            tree = ast.parse(text, str(path))
            compile(tree, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise BadInput(_show_syntax_error(path, error)) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise BadInput(f"{path} cannot be compiled: {error}") from None
    return tree


def _find(name: str) -> Path:
    if not name:
        raise BadInput("no program: its path is empty")
    if not name.isprintable():
        raise BadInput(f"the program's path {name!a} is no readable text: rename the file")
    path = Path(name)
    if os.path.isdir(path):
        inside = sorted(path.glob("*.py"))
        hint = f": name one of its files, e.g. {inside[0]}" if inside else " without Python files"
        raise BadInput(f"{name} is a directory{hint}")
    if os.path.lexists(path):
        return path
    lesson = lessons_folder() / (path.name if path.suffix == ".py" else path.name + ".py")
    if os.path.isfile(lesson) and (path.parent == Path() or path.parent.name == "scenarios"):
        return lesson
    raise BadInput(f"no such file: {name} (`gradtui` alone lists the bundled lessons)")


def _read(path: Path) -> str:
    if path.suffix not in (".py", ".pyw", ""):
        raise BadInput(f"{path} is not a Python file (its name ends in {path.suffix})")
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe or a device: reading it might never end
        raise BadInput(f"{path} is not a file")
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
    if error.text and error.text.strip():
        text = error.text.rstrip()
        margin = len(text) - len(text.lstrip())
        lines.append("    " + text.lstrip())
        if error.offset:
            lines.append("    " + " " * max(0, error.offset - 1 - margin) + "^")
    return "\n".join(lines)
