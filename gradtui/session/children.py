"""Children of the program that run passes, which nobody follows: the person is told so."""

from __future__ import annotations

import os
import selectors

from gradtui.session.incoming import Incoming, Stream
from gradtui.wire.messages import Event, Notice

NOT_FOLLOWED = "are not followed"
"""Stands in the notice."""
NAMED = 8
"""Processes that are called by their numbers in one notice."""


class IncomingWithChildren(Incoming):
    """Reads also the pipe down which children say that they run passes: `PID RANK`, one a line.

    The first one is told at once; at the program's end all of them, where others came after it.
    """

    def __init__(self, socket: int, streams: dict[Stream, int], by_terminal: bool, children: int) -> None:
        super().__init__(socket, streams, by_terminal)
        self._children = children
        self._text = b""
        self._known: dict[int, int] = {}
        """Ranks by process id, -1 for none."""
        self._said = 0
        """How many have been spoken of."""
        os.set_blocking(children, False)
        self._selector.register(children, selectors.EVENT_READ)

    def read(self) -> list[Event]:
        """What has arrived, and of the first child that runs a pass."""
        events = super().read()
        self._look()
        return events if self._said else [*events, *self._say()]

    def finish(self) -> list[Event]:
        """The last text, and of all children that ran passes."""
        events = super().finish()
        self._look()
        return [*events, *self._say()]

    def _say(self) -> list[Event]:
        before, self._said = self._said, len(self._known)
        return [Notice(_told(self._known))] if self._said > before else []

    def _look(self) -> None:
        *lines, self._text = (self._text + self._read(self._children)).split(b"\n")
        for line in lines:
            pid, rank = map(int, line.split())
            self._known[pid] = rank


def _told(known: dict[int, int]) -> str:
    names = [f"pid {pid}" + (f", rank {rank}" if rank >= 0 else "") for pid, rank in known.items()]
    count = "a child process" if len(names) == 1 else f"{len(names)} child processes"
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return (
        f"backward passes of {count} {NOT_FOLLOWED} ({'; '.join(names[:NAMED])}{more}): "
        "to see them, call the training function in the program's own process"
    )
