"""The probe as a whole: one context manager that watches every engine and hands everything back."""

from __future__ import annotations

import os
import weakref
from contextlib import ExitStack
from typing import Literal

from gradtui.probe.places import Places
from gradtui.probe.reporter import Reporter
from gradtui.probe.scalar_watcher import ScalarWatcher
from gradtui.probe.torch_arrival import TorchArrival
from gradtui.wire.channel import Outlet

_probes: weakref.WeakSet[Probe] = weakref.WeakSet()


def _forked() -> None:
    """A forked child goes on unwatched; it must not hold the stream open."""
    for probe in list(_probes):
        if probe.reporter.enabled:
            probe.reporter.abandon()


os.register_at_fork(after_in_child=_forked)


class Probe:
    """Watches scalar engines at once, and torch from the moment the program imports it.

    `scan`: look for engine classes that exist already. `stop`: stop before the first node.
    """

    def __init__(
        self,
        outlet: Outlet,
        main_file: str | None = None,
        stop: bool = False,
        scan: bool = False,
        stats: Literal["auto", "full"] = "auto",
        twin: bool = True,
    ) -> None:
        self.reporter = Reporter(outlet, Places(main_file), stop)
        self._scan = scan
        self._stats = stats
        self._twin = twin
        self._watchers = ExitStack()
        _probes.add(self)

    def __enter__(self) -> Probe:
        self._watchers.enter_context(ScalarWatcher(self.reporter, self._scan, self._twin))
        self._watchers.enter_context(TorchArrival(self.reporter, self._stats == "full"))
        return self

    def __exit__(self, *exc: object) -> None:
        self._watchers.close()
        self.reporter.enabled = False
