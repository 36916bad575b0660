"""Keeps a run on disk while it goes on, for `--out`."""

from __future__ import annotations

from pathlib import Path

from gradtui.wire.messages import Event, Exited, Hello, Notice
from gradtui.wire.recording import RecordingWriter


class Keeper:
    """Writes a run's events to a file. An older file lives until the program says hello.

    What `keep` was given is with the system when it returns, so a debugger that is killed leaves
    what it had seen. A disk that refuses ends the recording, never the run.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[Event] = []
        self._writer: RecordingWriter | None = None
        self._over = False

    def keep(self, events: list[Event]) -> list[Event]:
        """Write events down. Returns them, with a `Notice` among them where the system refused."""
        if self._over:
            return events
        self._waiting += events
        if self._writer is None and not any(isinstance(event, Hello) for event in self._waiting):
            return events
        try:
            self._write()
        except OSError as error:
            self._over = True
            if self._writer is not None:
                self._writer.abandon()
            notice = Notice(f"the recording {self._path} is not whole: {error.strerror}")
            ended = bool(events) and isinstance(events[-1], Exited)
            return [*events[:-1], notice, events[-1]] if ended else [*events, notice]
        return events

    def _write(self) -> None:
        if self._writer is None:
            self._writer = RecordingWriter(self._path)
        for event in self._waiting:
            self._writer.write(event)
            self._over = isinstance(event, Exited)
        self._waiting.clear()
        if self._over:
            self._writer.close()
        else:
            self._writer.flush()
