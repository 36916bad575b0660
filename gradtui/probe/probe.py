"""The probe as a whole: one context manager that watches every engine and hands everything back."""

from __future__ import annotations

import os
import sys
import weakref
from contextlib import ExitStack
from typing import Literal

from gradtui.probe.places import Places
from gradtui.probe.pytorch.arrival import TorchArrival
from gradtui.probe.reporter import Reporter
from gradtui.probe.scalar.watcher import ScalarWatcher
from gradtui.probe.weak import Remembered
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

    `scan`: look for engine classes that exist already. `stop`: stop before the first node. `home`: the
    thread whose forward is mapped; None for the one in which the probe is entered.
    """

    def __init__(
        self,
        outlet: Outlet,
        main_file: str | None = None,
        stop: bool = False,
        scan: bool = False,
        stats: Literal["auto", "full"] = "auto",
        twin: bool = True,
        home: int | None = None,
    ) -> None:
        self.reporter = Reporter(outlet, Places(main_file), stop)
        self._scan = scan
        self._stats = stats
        self._twin = twin
        self._home = home
        self._leaf_ids = Remembered[int]()
        self._watchers = ExitStack()
        self._torch = ExitStack()
        _probes.add(self)

    def __enter__(self) -> Probe:
        self._watchers.enter_context(ScalarWatcher(self.reporter, self._scan, self._twin))
        self.wake()
        return self

    def wake(self) -> None:
        """Watch torch, also again after a `rest`."""
        self._torch.close()
        self.reporter.enabled = True
        arrival = TorchArrival(self.reporter, self._stats == "full", self._home, self._leaf_ids)
        self._torch.enter_context(arrival)

    def rest(self, counting: bool) -> None:
        """Give torch back and say nothing more; `counting`: only how many passes run meanwhile.

        A scalar engine's classes stay wrapped: their nodes keep their names and lines.
        """
        self._torch.close()
        self.reporter.enabled = False
        if counting and hasattr(sys.modules.get("torch"), "autograd"):
            from gradtui.probe.pytorch.unwatched import Unwatched

            self._torch.enter_context(Unwatched(self.reporter))

    def __exit__(self, *exc: object) -> None:
        self._torch.close()
        self._watchers.close()
        self.reporter.enabled = False


def watching() -> list[Probe]:
    """The probes at work in this process."""
    return [probe for probe in _probes if probe.reporter.enabled]
