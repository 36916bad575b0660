"""What becomes of the leaves' gradients between passes: kept, reset, or used and added to again.

A gradient has been *used* when its leaf's value has changed since it came: an optimizer has stepped, or
the program has moved the leaf by hand. That is told by the value, not by a version counter, which
`p.data` and fused optimizers leave alone. A pass that adds to a used gradient has *mixed* the two; when
the sum is used in turn, without a reset in between, the step was taken with a stale gradient. A leaf that
an optimizer steps must have been stepped each time: loading or clamping its value, or adding noise for the
length of a pass, uses no gradient.

Leaves are looked at when a pass begins, when an optimizer has stepped (before the program can zero)
and at the program's end. One that holds a mixed gradient is kept alive until then, but no longer than
to the first look at which nobody else knows it.
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
        """What is to be remembered of the value that the pass finds."""

    def changed(self, mark: Any) -> bool:
        """Is the value another one than when this was remembered?"""

    def left(self) -> Any:
        """What is to be remembered of the gradient that the pass leaves."""

    def holds(self, left: Any) -> bool:
        """Does the leaf still hold the gradient that was left, scaled at most? Zeros are a reset."""

    def dropped(self) -> bool:
        """Does nobody but us know the leaf any more?"""

    def reference(self) -> Callable[[], Any]:
        """Returns None once the leaf is gone."""

    def of_optimizers(self, views: Mapping[int, Any]) -> set[int]:
        """Which of these leaves does an optimizer hold? It may not have stepped yet."""


@dataclass(slots=True)
class _Account:
    number: int
    """The pass whose gradient came last."""
    mark: Any
    """Of the leaf's value then."""
    left: Any
    """Of the gradient."""
    reference: Callable[[], Any]
    mixed: int = 0
    """The pass that added to a used gradient, 0 for none."""
    view: LeafView | None = None
    """Kept while the gradient is mixed."""


class Gradients:
    """One for each engine; ids of leaves are the stream's."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._accounts: dict[int, _Account] = {}
        self._mixed: set[int] = set()
        self._optimized: dict[int, int] = {}
        """Leaves that an optimizer has stepped, with the newest pass at its last step."""
        self._held: dict[int, bool] = {}
        """Of leaves that were changed and not stepped: did an optimizer hold them?"""
        self._doubtful: dict[int, int] = {}
        """Leaves that were changed twice while an optimizer held them that has not stepped yet: by a person's
        update, or only for the length of a pass? With the pass to tell of."""
        self._crowd = CROWD
        self._lock = threading.RLock()  # passes may run in several threads

    def begins(self, leaves: Mapping[int, LeafView]) -> dict[int, int]:
        """A pass begins over these leaves; returns those that hold a used gradient, with its pass."""
        self._look()
        used: dict[int, int] = {}
        with self._lock:
            for node, view in leaves.items():
                account = self._accounts.get(node)
                if account is None:
                    continue
                if not view.holds(account.left):
                    self._drop(node)
                elif self._optimized.get(node, account.number) >= account.number and view.changed(
                    account.mark
                ):
                    used[node] = account.number
        return used

    def ends(self, number: int, leaves: Mapping[int, LeafView], used: Mapping[int, int]) -> None:
        """Pass `number` has ended, which accumulated into these leaves; `used` is what it began with."""
        with self._lock:
            for node, view in leaves.items():
                before = self._accounts.get(node)
                mixed = (before.mixed if before else 0) or (number if node in used else 0)
                kept = view if mixed else None
                self._accounts[node] = _Account(
                    number, view.mark(), view.left(), view.reference(), mixed, kept
                )
                if mixed:
                    self._mixed.add(node)
            if len(self._accounts) > self._crowd:
                self._close_dead()

    def zeroed(self, nodes: Iterable[int], used: dict[int, int]) -> None:
        """The person had these gradients zeroed as the pass began; they are taken out of `used`."""
        with self._lock:
            for node in nodes:
                used.pop(node, None)
                self._drop(node)

    def moved(self, node: int, view: LeafView, used: Mapping[int, int]) -> None:
        """The person has given a leaf another value; that uses no gradient."""
        with self._lock:
            account = self._accounts.get(node)
            if account is not None and node not in used:
                account.mark = view.mark()

    def stepped(self, nodes: Iterable[int]) -> None:
        """An optimizer of these leaves has stepped: what it has used is told before it can be zeroed."""
        again: dict[int, list[int]] = {}
        with self._lock:
            for node in nodes:
                first = node not in self._optimized
                self._optimized[node] = self._reporter.passes
                self._doubtful.pop(node, None)
                account = self._accounts.get(node)
                if first and account is not None and account.mixed:  # what changed it so far was no optimizer
                    account.mixed, account.view = 0, None
                    self._mixed.discard(node)
                view = account.view if account is not None else None
                if (
                    account is not None
                    and view is not None
                    and view.holds(account.left)
                    and view.changed(account.mark)
                ):
                    self._used_again(node, account, again)
        self._tell(again)

    def look(self) -> None:
        """The watching ends: has a mixed gradient been used, or reset, since the last look?"""
        self._look()
        doubtful, self._doubtful = self._doubtful, {}
        again: dict[int, list[int]] = {}
        for node, number in doubtful.items():
            again.setdefault(number, []).append(node)
        self._tell(again)

    def _look(self) -> None:
        if not self._mixed:
            return
        again: dict[int, list[int]] = {}
        by_hand: dict[int, LeafView] = {}
        with self._lock:
            for node in sorted(self._mixed):
                account = self._accounts[node]
                view = account.view
                assert view is not None
                if not view.holds(account.left):
                    self._drop(node)
                elif node not in self._optimized and view.changed(account.mark):
                    by_hand[node] = view
                elif view.dropped():
                    self._drop(node)
            self._look_for_optimizers(by_hand)
            for node in by_hand:
                account = self._accounts[node]
                if self._held[node]:
                    self._doubtful.setdefault(node, account.mixed)
                self._used_again(node, account, {} if self._held[node] else again)
        self._tell(again)

    def _look_for_optimizers(self, leaves: Mapping[int, LeafView]) -> None:
        """Does one hold these? Asked once of each."""
        unknown = {node: view for node, view in leaves.items() if node not in self._held}
        if unknown:
            held = next(iter(unknown.values())).of_optimizers(unknown)
            self._held.update((node, node in held) for node in unknown)

    def _used_again(self, node: int, account: _Account, again: dict[int, list[int]]) -> None:
        again.setdefault(account.mixed, []).append(node)
        account.mixed, account.view = 0, None
        self._mixed.discard(node)

    def _tell(self, again: dict[int, list[int]]) -> None:
        for number, nodes in again.items():
            self._reporter.send(UsedAgain(number, tuple(sorted(nodes))))

    def _drop(self, node: int) -> None:
        self._accounts.pop(node, None)
        self._mixed.discard(node)

    def _close_dead(self) -> None:
        for node in [n for n, account in self._accounts.items() if account.reference() is None]:
            self._drop(node)
            self._optimized.pop(node, None)
            self._doubtful.pop(node, None)
            self._held.pop(node, None)
        self._crowd = max(CROWD, 2 * len(self._accounts))
