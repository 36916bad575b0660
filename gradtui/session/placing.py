"""Puts what came by the program's terminal in its place among the messages, by the marks in it."""

from __future__ import annotations

import codecs
import time

from gradtui.wire.marks import CUT, MARK
from gradtui.wire.messages import Event, Output

PATIENCE = 0.05
"""Seconds for which text waits for the message that is to stand before it."""


class Placing:
    """Text before mark n comes before the nth `Output` message, text after it comes after.

    A message is never held back. A mark that comes too late is passed over; text waits for a message
    that does not come for `PATIENCE` only.
    """

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._text = b""
        """What has come and was not placed yet."""
        self._heard = 0
        """`Output` messages so far."""
        self._waits: float | None = None
        """Since when text has been waiting."""

    def place(self, messages: list[Event], text: bytes) -> list[Event]:
        """The messages, and the text as `Output`s between them. The messages were read before the text."""
        self._text += text
        events: list[Event] = []
        for message in messages:
            if isinstance(message, Output):
                self._heard += 1
                events += self._before(self._heard)
            events.append(message)
        return events + self._rest()

    def finish(self) -> list[Event]:
        """What is left when no more comes."""
        left = MARK.sub(b"", self._text)
        self._text = b""
        text = self._decode(left, True)
        return [Output("stdout", text)] if text else []

    def _rest(self) -> list[Event]:
        events = self._before(self._heard + 1)
        if not self._text:
            self._waits = None
        elif self._waits is None:
            self._waits = time.monotonic()
        elif time.monotonic() - self._waits > PATIENCE:
            self._waits = None
            waiting = MARK.match(self._text)
            if waiting is None:  # it only began like a mark
                events += self._told(self._text)
                self._text = b""
            else:
                self._heard = int(waiting[1])
                events += self._rest()
        return events

    def _before(self, number: int) -> list[Event]:
        """What stands before that mark, as far as it has come."""
        events: list[Event] = []
        start = 0
        for found in MARK.finditer(self._text):
            events += self._told(self._text[start : found.start()])
            start = found.end()
            if int(found[1]) >= number:
                self._text = self._text[found.start() :]
                return events
        cut = CUT.search(self._text, start)
        end = cut.start() if cut else len(self._text)
        events += self._told(self._text[start:end])
        self._text = self._text[end:]
        return events

    def _told(self, data: bytes) -> list[Event]:
        text = self._decode(data)
        return [Output("stdout", text)] if text else []
