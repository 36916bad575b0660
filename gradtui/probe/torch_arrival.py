"""Waits for the program to import torch, and watches it from then on. Never imports torch itself.

The finder and loader are plain classes: `importlib.abc` would load `tempfile` and `random` before
the program's first line.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from types import ModuleType
from typing import Any

from gradtui.probe.faults import is_ours
from gradtui.probe.reporter import Reporter
from gradtui.probe.weak import Remembered


class TorchArrival:
    """Context manager: installs an import hook for `torch`; watches at once where it is loaded already."""

    def __init__(
        self, reporter: Reporter, full: bool, home: int | None = None, leaf_ids: Remembered[int] | None = None
    ) -> None:
        """`home`: the thread whose forward is mapped, None for this one. `leaf_ids`: of known leaves."""
        self._reporter = reporter
        self._full = full
        self._home = threading.get_ident() if home is None else home
        self._leaf_ids = leaf_ids if leaf_ids is not None else Remembered[int]()
        self._watching = ExitStack()
        self._finder = _Finder(self._arrived)

    def __enter__(self) -> TorchArrival:
        if "torch" in sys.modules:
            self._arrived()
        else:
            sys.meta_path.insert(0, self._finder)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        self._watching.close()

    def _arrived(self) -> None:
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        torch = sys.modules.get("torch")
        try:
            if not hasattr(torch, "autograd"):  # the program's own module of that name
                return
            from gradtui.probe.torch_watcher import TorchWatcher

            self._watching.enter_context(TorchWatcher(self._reporter, self._full, self._home, self._leaf_ids))
        except Exception as error:  # another module of that name, or a torch unlike those we know
            if not is_ours(error):
                raise
            where = getattr(torch, "__file__", None) or "torch"
            self._reporter.notice(
                f"gradtui does not know this torch ({where}) and does not watch it: "
                f"{type(error).__name__}: {error}"
            )


class _Finder:
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
