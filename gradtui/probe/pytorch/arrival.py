"""Waits for the program to import torch, and watches it from then on. Never imports torch itself."""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack

from gradtui.probe.faults import is_ours
from gradtui.probe.pytorch.importing import Finder
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
        self._finder = Finder(self._arrived)

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
            from gradtui.probe.pytorch.watcher import TorchWatcher

            self._watching.enter_context(TorchWatcher(self._reporter, self._full, self._home, self._leaf_ids))
        except Exception as error:  # another module of that name, or a torch unlike those we know
            if not is_ours(error):
                raise
            where = getattr(torch, "__file__", None) or "torch"
            self._reporter.notice(
                f"gradtui does not know this torch ({where}) and does not watch it: "
                f"{type(error).__name__}: {error}"
            )
