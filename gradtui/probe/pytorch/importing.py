"""Hears of the end of `import torch`. Imports nothing of ours, and torch never.

The finder and loader are plain classes: `importlib.abc` would load `tempfile` and `random` before
the program's first line.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
from collections.abc import Sequence
from types import ModuleType
from typing import Any


class Finder:
    """Finds nothing itself: has the others find `torch` and listens for the end of its import."""

    def __init__(self, arrived: Any) -> None:
        self._arrived = arrived
        self._asking = False

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        if name != "torch" or self._asking:
            return None
        self._asking = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._asking = False
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._arrived)  # type: ignore[assignment]
        return spec


class _Loader:
    """The real loader, with a call at the end."""

    def __init__(self, loader: Any, arrived: Any) -> None:
        self._loader = loader
        self._arrived = arrived

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        created: ModuleType | None = self._loader.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._arrived()
