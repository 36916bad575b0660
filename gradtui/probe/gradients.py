"""What becomes of the leaves' gradients between passes: kept, reset, or used and added to again.

A gradient has been *used* when its leaf's value changed since it came: an optimizer stepped, or the
program moved the leaf by hand. That is told by the value, not by a version counter, which `p.data`
and fused optimizers leave alone. A pass that adds to a used gradient has *mixed* the two; when the
sum is used in turn, without a reset in between, the step was taken with a stale gradient.

A leaf is looked at when a pass begins. One that holds a mixed gradient is also looked at when an
optimizer has stepped (before the program can zero it) and at the program's end; only such a leaf is
kept alive meanwhile, or nobody could tell.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gradtui.probe.reporter import Reporter
from gradtui.wire.messages import UsedAgain

CROWD = 4_096
"""Accounts from which those of leaves that are gone are looked for and closed."""


class LeafView(Protocol):
    """How to look at one leaf. Keeps it alive only as long as the view itself is kept."""

    def mark(self) -> Any:
        """What is to be remembered of the leaf's value."""

    def changed(self, mark: Any) -> bool:
        """Is the value another one than when this was remembered?"""

    def holds(self) -> bool:
        """Does its `.grad` hold anything but zeros?"""

    def reference(self) -> Callable[[], Any]:
        """Returns None once the leaf is gone."""


@dataclass(slots=True)
class _Account:
    number: int
    """The pass whose gradient came last."""
    mark: Any
    """Of the leaf's value then."""
    reference: Callable[[], Any]
    mixed: int = 0
    """The pass that added to a used gradient, 0 for none."""
    view: LeafView | None = None
    """Kept while the gradient is mixed."""


def _ignore(_: bool) -> None:
    """Nobody wants to know."""


class Gradients:
    """One for each engine; ids of leaves are the stream's. `on_mixed` hears whether any gradient is mixed."""

    def __init__(self, reporter: Reporter, on_mixed: Callable[[bool], None] = _ignore) -> None:
        self._reporter = reporter
        self._on_mixed = on_mixed
        self._accounts: dict[int, _Account] = {}
        self._mixed: set[int] = set()
        self._crowd = CROWD
        self._lock = threading.RLock()  # passes may run in several threads

    def begins(self, leaves: Mapping[int, LeafView]) -> dict[int, int]:
        """A pass begins over these leaves; returns those that hold a used gradient, with its pass."""
        self.look()
        used: dict[int, int] = {}
        with self._lock:
            for node, view in leaves.items():
                account = self._accounts.get(node)
                if account is None:
                    continue
                if not view.holds():
                    self._drop(node)
                elif view.changed(account.mark):
                    used[node] = account.number
        return used

    def ends(self, number: int, leaves: Mapping[int, LeafView], used: Mapping[int, int]) -> None:
        """Pass `number` has ended, which accumulated into these leaves; `used` is what it began with."""
        with self._lock:
            for node, view in leaves.items():
                before = self._accounts.get(node)
                mixed = (before.mixed if before else 0) or (number if node in used else 0)
                kept = view if mixed else None
                self._accounts[node] = _Account(number, view.mark(), view.reference(), mixed, kept)
                if mixed:
                    self._mixed.add(node)
            if len(self._accounts) > self._crowd:
                self._close_dead()
        if self._mixed:
            self._on_mixed(True)

    def zeroed(self, nodes: Iterable[int], used: dict[int, int]) -> None:
        """The person had these gradients zeroed as the pass began; they are taken out of `used`."""
        with self._lock:
            for node in nodes:
                used.pop(node, None)
                self._drop(node)

    def look(self) -> None:
        """Has a mixed gradient been used, or reset, since the last look?"""
        if not self._mixed:
            return
        again: dict[int, list[int]] = {}
        with self._lock:
            for node in sorted(self._mixed):
                account = self._accounts[node]
                if account.view is None or not account.view.holds():
                    self._drop(node)
                elif account.view.changed(account.mark):
                    again.setdefault(account.mixed, []).append(node)
                    account.mixed, account.view = 0, None
                    self._mixed.discard(node)
        for number, nodes in again.items():
            self._reporter.send(UsedAgain(number, tuple(nodes)))
        if not self._mixed:
            self._on_mixed(False)

    def _drop(self, node: int) -> None:
        self._accounts.pop(node, None)
        self._mixed.discard(node)

    def _close_dead(self) -> None:
        for node in [n for n, account in self._accounts.items() if account.reference() is None]:
            self._drop(node)
        self._crowd = max(CROWD, 2 * len(self._accounts))
