"""While nobody watches, torch's passes are counted, and nothing else."""

from __future__ import annotations

from typing import Any

from gradtui.probe.pytorch.private import engine_entry, replace_engine_entry
from gradtui.probe.reporter import Reporter


class Unwatched:
    """Context manager: counts in `reporter.unwatched`."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._original: Any = None

    def __enter__(self) -> Unwatched:
        self._original = replace_engine_entry(self._run)
        return self

    def __exit__(self, *exc: object) -> None:
        if engine_entry() == self._run:
            replace_engine_entry(self._original)

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        if not self._reporter.muted:
            self._reporter.unwatched += 1
        return self._original(*args, **kwargs)
