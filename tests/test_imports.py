"""The arrows of the house: who may import whom, by reading every file and by asking clean interpreters."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import PATIENCE, PROGRAMS, headless, loaded

import gradtui

HOME = Path(gradtui.__file__).parent

MAY: dict[str, set[str]] = {
    "wire": set(),
    "scalar": set(),
    "userapi": set(),
    "trace": {"wire"},
    "probe": {"wire", "userapi"},
    "session": {"wire", "trace", "userapi"},
    "views": {"trace", "wire.messages"},
    "check": {"session", "trace", "wire.messages"},
    "plain": {"session", "trace", "views", "wire.messages"},
    "export": {"session", "trace", "views", "wire.messages"},
    "tui": {"session", "trace", "views", "wire.messages", "wire.smallest"},
    "recorder": {"probe", "trace", "wire"},
    "attached": {"probe", "wire"},
    "cli": {"session", "check", "plain", "export", "tui", "trace", "wire"},
    "pytest_plugin": {"check", "session", "trace"},
    "__init__": {"userapi", "recorder", "attached"},
    "__main__": {"cli"},
}
"""For each room (or module of the top level), the rooms, or the modules of one, that it may import."""

OUTSIDE: dict[str, set[str]] = {
    "torch": {"probe"},
    "textual": {"tui"},
    "pygments": {"views"},
    "rich": {"views", "tui"},
    "pytest": {"pytest_plugin"},
}
"""Only these rooms may import these packages."""
STDLIB_ONLY = {"userapi", "scalar"}


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(HOME.rglob("*.py")):
        parts = path.relative_to(HOME).with_suffix("").parts
        if parts[0] != "scenarios":
            yield ".".join(parts), path


def imports(path: Path, module: str) -> Iterator[str]:
    """Every module that the file names in an import, wherever in the file; absolute."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            assert node.module is not None
            for name in node.names:
                inner = HOME.parent.joinpath(*node.module.split("."), name.name)
                is_module = inner.is_dir() or inner.with_suffix(".py").exists()
                yield f"{node.module}.{name.name}" if is_module else node.module


MODULES = dict(modules())


def test_every_room_is_listed() -> None:
    assert {name.partition(".")[0] for name in MODULES} <= set(MAY)
    assert len(MODULES) > 40


@pytest.mark.parametrize("module", MODULES)
def test_the_arrows(module: str) -> None:
    room = module.partition(".")[0]
    for imported in imports(MODULES[module], module):
        top, _, rest = imported.partition(".")
        if top != "gradtui":
            assert room in OUTSIDE.get(top, {room}), f"{module} imports {imported}"
            if room in STDLIB_ONLY:
                assert top in sys.stdlib_module_names, f"{module} imports {imported}"
            continue
        to = rest.partition(".")[0]
        if to in ("", "__init__", room):
            continue
        allowed = MAY[room]
        assert to in allowed or rest in allowed, f"{module} imports gradtui.{rest}"


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("probe.")])
def test_torch_and_scalar_engines_are_watched_apart(module: str) -> None:
    apart = {"pytorch": "scalar", "explain": "scalar", "scalar": "pytorch"}
    other = apart.get(module.split(".")[1])
    assert not [
        name for name in imports(MODULES[module], module) if name.startswith(f"gradtui.probe.{other}.")
    ]


FACES = {"check", "plain", "export", "tui"}


def test_the_faces_do_not_know_each_other() -> None:
    for face in FACES:
        assert not MAY[face] & FACES


def test_nobody_but_the_program_imports_the_probe() -> None:
    assert {room for room in MAY if "probe" in MAY[room]} == {"recorder", "attached"}


# ----------------------------------------------------------- clean interpreters


def test_importing_gradtui_loads_next_to_nothing() -> None:
    modules = loaded("import gradtui\nfrom gradtui.scalar import Value")
    ours = {name for name in modules if name.startswith("gradtui")}
    assert ours == {
        *("gradtui", "gradtui.userapi"),
        *("gradtui.scalar", "gradtui.scalar.engine", "gradtui.scalar.arithmetic"),
    }
    assert not modules & {"torch", "textual", "msgspec", "rich", "numpy", "socket"}


OPEN = """
import sys
from gradtui.cli import main
try:
    main(["open", "--headless", *sys.argv[1:]])
except SystemExit as end:
    assert not end.code, end.code
"""


def test_opening_a_recording_headless_loads_neither_torch_nor_textual(tmp_path: Path) -> None:
    trace = tmp_path / "run.trace"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "gradtui",
            "run",
            "--headless",
            "--no-twin",
            "--out",
            trace,
            PROGRAMS / "chains.py",
        ]
        + ["2", "3"],
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    modules = loaded(OPEN, trace, "--json")
    assert "gradtui.check.headless" in modules
    assert not modules & {"torch", "textual", "rich", "pygments", "numpy", "gradtui.probe"}


def test_the_screen_loads_no_torch() -> None:
    assert not loaded("import gradtui.tui.app") & {"torch", "numpy", "gradtui.probe"}


def test_a_program_starts_with_nothing_loaded_that_it_might_miss_the_import_of() -> None:
    """Not torch (it may set OMP_NUM_THREADS first), nor what other programs' modules are named like."""
    modules = set(headless("shows_modules.py", twin=True).printed("stdout").split())
    assert "gradtui.probe.probe" in modules
    assert not modules & {
        *("torch", "textual", "numpy", "rich", "pygments", "gradtui.tui", "gradtui.check", "gradtui.session"),
        *("random", "tempfile", "socket", "multiprocessing", "subprocess", "asyncio", "logging", "ctypes"),
    }
