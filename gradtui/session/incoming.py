"""What a program sends: messages over its socket, text over its pipes. Read without ever blocking."""

from __future__ import annotations

import codecs
import os
import selectors
from typing import Literal

from gradtui.wire.channel import FrameReader
from gradtui.wire.codec import decode_event
from gradtui.wire.messages import Event, Output

CHUNK = 1 << 18
"""Bytes read at once. The rest waits in the kernel, and the program with it: nothing piles up here."""

Stream = Literal["stdout", "stderr"]


class Incoming:
    """Reads three descriptors that belong to somebody else; owns their selector.

    What the program's C code and its children print comes by the pipes: its place among the
    messages is only nearly known. What Python prints comes as messages, in its true place.
    """

    def __init__(self, socket: int, stdout: int, stderr: int) -> None:
        self._socket = socket
        self._pipes: dict[Stream, int] = {"stdout": stdout, "stderr": stderr}
        self._decoders = {name: codecs.getincrementaldecoder("utf-8")("replace") for name in self._pipes}
        self._frames = FrameReader()
        self._selector = selectors.DefaultSelector()
        for descriptor in (socket, stdout, stderr):
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ)
        self.drained = False
        """Did the last read find no message bytes left?"""

    def descriptors(self) -> list[int]:
        """Those that may still bring something."""
        return [key.fd for key in self._selector.get_map().values()]

    @property
    def held(self) -> bool:
        """Does a process (the program, or one that it started) still hold an end of the pipes?"""
        return any(descriptor in self._selector.get_map() for descriptor in self._pipes.values())

    def wait(self, timeout: float) -> None:
        """Wait until there is something to read, or `timeout` seconds."""
        self._selector.select(timeout)

    def read(self) -> list[Event]:
        """What has arrived. Raises `WireError` when the messages are not ours."""
        data = self._read(self._socket)
        self.drained = not data
        return [*self.output(), *map(decode_event, self._frames.feed(data))]

    def output(self, final: bool = False) -> list[Event]:
        """What the pipes hold; with `final`, also what is left of a character cut short."""
        events: list[Event] = []
        for name, descriptor in self._pipes.items():
            text = self._decoders[name].decode(self._read(descriptor), final)
            if text:
                events.append(Output(name, text))
        return events

    def _read(self, descriptor: int) -> bytes:
        if descriptor not in self._selector.get_map():
            return b""
        try:
            data = os.read(descriptor, CHUNK)
        except BlockingIOError:
            return b""
        except OSError:  # a reset is an end like any other
            data = b""
        if not data:
            self._selector.unregister(descriptor)
        return data

    def close(self) -> None:
        """Give the selector back; the descriptors are their owner's."""
        self._selector.close()
