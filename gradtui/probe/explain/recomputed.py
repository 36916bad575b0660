"""Where a checkpoint's part of the forward went bad: seen as the pass computes it again.

What a checkpoint saves are the inputs of its part; the rest cannot be read without running the program's
code. So where the root of a pass is bad and such parts may hide why, the verdict waits for the pass's end:
every operation that is run again meanwhile is looked at. Parts are computed again last one first, so of what
is found in several, the last counts; within one, the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import get_ident
from types import FrameType
from typing import Any

import torch

from gradtui.probe.explain.cuts import tensors_of
from gradtui.probe.places import Places
from gradtui.probe.pytorch.private import readable, running_pass, untouched


@dataclass(frozen=True)
class Born:
    """A bad result of good operands."""

    what: str
    """The function: `log`."""
    result: torch.Tensor
    """Kept until the pass has ended."""
    stack: int


@dataclass
class Again:
    """One part that was computed again."""

    before: int | None
    """The node, by index, whose run had it computed: the last of the part that saved anything."""
    born: Born | None = None
    """The first bad result of good operands."""
    inherited: bool = False
    """Was anything bad from the beginning?"""


@dataclass
class Seen:
    """What was computed again during a pass."""

    parts: list[Again] = field(default_factory=list)
    """The last part of the forward first."""
    lines: set[str] = field(default_factory=set)
    """Where results were good."""

    @property
    def born(self) -> Born | None:
        """The one that came first in the forward."""
        return next((part.born for part in reversed(self.parts) if part.born is not None), None)

    @property
    def inherited(self) -> bool:
        """Was anything bad from the beginning of its part?"""
        return any(part.inherited for part in self.parts)


_LOGARITHMS = ("log", "log_", "log2", "log2_", "log10", "log10_", "log1p", "log1p_")
"""Of which minus infinity is no mask."""

Verdict = Callable[[Seen], object]


class Recomputed:
    """Looks at what one pass computes again."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._thread = 0
        self._part: object = None
        self._forget()

    def _forget(self) -> None:
        """Nothing of a pass may be kept when it has ended."""
        self._verdict: Verdict | None = None
        self._steps: Callable[[], object] = int
        self._running: Callable[[], int | None] = lambda: None
        self._seen = Seen()

    def wait(self, verdict: Verdict, steps: Callable[[], object], running: Callable[[], int | None]) -> bool:
        """To the end of the pass that begins now. False: it runs already.

        `steps`: something else after each; `running`: the node, by index, that runs.
        """
        if running_pass() != -1 or self._verdict is not None:
            return False
        self._verdict, self._steps, self._running, self._thread = verdict, steps, running, get_ident()
        self._seen, self._part = Seen(), None
        return True

    @property
    def waiting(self) -> bool:
        """Is anything looked for?"""
        return self._verdict is not None

    def pass_ended(self) -> None:
        """A pass has ended; it may have run inside the one that is meant."""
        if self._verdict is not None and running_pass() == -1 and get_ident() == self._thread:
            seen, verdict = self._seen, self._verdict
            self._forget()
            verdict(seen)

    def ran(self, func: Any, args: Any, kwargs: dict[str, Any], out: Any, frame: FrameType) -> None:
        """An operation has run."""
        if get_ident() != self._thread or running_pass() == -1 or not torch.is_grad_enabled():
            return  # without a graph: a hook of the program's
        with untouched(), torch.no_grad():
            if self._part != self._steps():
                self._part = self._steps()
                self._seen.parts.append(Again(self._running()))
            part = self._seen.parts[-1]
            what = getattr(func, "__name__", "an operation")
            results = [t for t in tensors_of((out,)) if _is_number(t)]
            bad = _is_infinite if what in _LOGARITHMS else _is_bad
            wrong = next((t for t in results if bad(t)), None)
            stack = self._places.stack(frame)
            if wrong is None:
                self._seen.lines.add(self._places.shown(stack))
                return
            bad = _is_bad if "softmax" in what or "attention" in what else _is_infinite
            operands = [t for t in _operands(args, kwargs) if t is not wrong]
            if not operands:
                return  # `full`: chosen so
            if any(map(bad, operands)):
                part.inherited = True
            elif part.born is None:
                part.born = Born(what, wrong.detach(), stack)


def _operands(args: Any, kwargs: dict[str, Any]) -> Iterator[torch.Tensor]:
    return (t for t in tensors_of((*args, *kwargs.values())) if _is_number(t))


def _is_number(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() and not readable(tensor)


def _is_infinite(tensor: torch.Tensor) -> bool:
    return not bool(torch.isfinite(tensor).all())


def _is_bad(tensor: torch.Tensor) -> bool:
    """-Inf alone is no fault: a mask for a softmax has it."""
    return bool((torch.isnan(tensor) | (tensor == torch.inf)).any())
