"""One run of one node of a scalar engine, and who hears of it."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType
from typing import Any, Protocol

from gradtui.probe.scalar.graph import Entry
from gradtui.wire.messages import Place, Sent, Value, Write


class Listener(Protocol):
    """Hears of steps as they happen."""

    @property
    def place(self) -> Callable[[FrameType | None], Place | None]: ...

    def before(self, entry: Entry, received: Value | None) -> None: ...
    def after(self, step: Step, outside: list[Write], more: bool) -> None: ...
    def start_of(self, function: Any) -> Place | None: ...
    def fault(self, error: Exception) -> None: ...


class Step:
    """One run of one node."""

    __slots__ = ("entry", "failed", "function", "place", "received", "running", "split", "writes")

    def __init__(
        self, entry: Entry, received: Value | None, place: Place | None, function: Place | None
    ) -> None:
        self.entry = entry
        self.received = received
        self.place = place
        self.function = function
        self.writes: list[Sent] = []
        self.running = True
        self.failed = False  # the engine raised inside it
        self.split = False  # another node ran inside this one: its first part has been told
