"""A recording, read piece by piece: a large one can be looked at while the rest of it is read."""

from __future__ import annotations

import time
from pathlib import Path

from gradtui.trace import Trace
from gradtui.wire.codec import BadRecording
from gradtui.wire.recording import count_messages, read_recording


class Opening:
    """The trace of a recording, as far as it has been read."""

    def __init__(self, path: Path, keep: int | None, partial: bool = False) -> None:
        """`keep` as of the trace. Raises `BadRecording` where the file is damaged, but for `partial`."""
        self.trace = Trace(keep)
        self.done = False
        self.fault: BadRecording | None = None
        """Why it cannot be read on: its checksums match, and yet it makes no sense."""
        self._count = 0 if partial else count_messages(path)
        self._events = read_recording(path, partial)
        self._read = 0

    @property
    def share(self) -> float:
        """How much has been read, from 0 to 1; 0 where there is no telling."""
        return self._read / self._count if self._count else 0.0

    def read(self, seconds: float) -> None:
        """Read on for about so long."""
        until = time.monotonic() + seconds
        try:
            for event in self._events:
                self.trace.fold(event)
                self._read += 1
                if time.monotonic() > until:
                    return
        except BadRecording as fault:
            self.fault = fault
        self.done = True
