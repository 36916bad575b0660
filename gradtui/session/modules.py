"""Finds the file that `python -m MODULE` would run, without importing anything: a package may load torch."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from gradtui.session.errors import BadInput

MAIN = "__main__"
"""Of a package, the module that is run."""


def find_module(name: str) -> Path:
    """The file of a module or of a package's `__main__`. Raises `BadInput` where there is none."""
    if name.endswith(".py") or not all(part.isidentifier() for part in name.split(".")):
        hint = f"; did you mean `gradtui run {name}`?" if os.path.exists(name) else ""
        raise BadInput(f"-m {name}: not the name of a module (pkg.train, without .py){hint}")
    spec, places = None, [*_first(), *sys.path]
    parts = name.split(".")
    for i, part in enumerate(parts, start=1):
        spec = _spec(part, places, top=i == 1)
        if spec is None:
            raise BadInput(_missing(".".join(parts[:i]), ".".join(parts[: i - 1])))
        places = list(spec.submodule_search_locations or ())
        if i < len(parts) and spec.submodule_search_locations is None:
            raise BadInput(f"no module {name}: {'.'.join(parts[:i])} is a module, not a package")
    assert spec is not None
    if spec.submodule_search_locations is not None:
        spec = _spec(MAIN, places, top=False)
        if spec is None:
            raise BadInput(f"-m {name}: it is a package without a {MAIN} module, so it cannot be run")
    if not spec.has_location or spec.origin is None:
        raise BadInput(f"-m {name}: it has no Python file")
    if not spec.origin.endswith(".py"):
        raise BadInput(f"-m {name}: {spec.origin} is not a Python file")
    return Path(spec.origin)


def _first() -> list[str]:
    """Where `python -m` looks first."""
    return [] if getattr(sys.flags, "safe_path", False) else [os.getcwd()]


def _spec(name: str, places: Sequence[str], top: bool) -> ModuleSpec | None:
    """One part of the name, at these places; the first part may also be known to another finder."""
    found = PathFinder.find_spec(name, places)
    if found is not None or not top:
        return found
    for finder in sys.meta_path:
        found = finder.find_spec(name, None)
        if found is not None:
            return found
    return None


def _missing(name: str, package: str) -> str:
    if package:
        return f"no module {name}: the package {package} has none of that name"
    return f"no module {name}: neither in {os.getcwd()} nor installed for {sys.executable}"
