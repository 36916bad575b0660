"""What a program sends: messages over its socket, text over its pipes or its terminal. Never blocks."""

from __future__ import annotations

import codecs
import os
import selectors
from typing import Literal

from gradtui.session.placing import Placing
from gradtui.wire.channel import FrameReader
from gradtui.wire.codec import decode_event
from gradtui.wire.messages import Event, Output

CHUNK = 1 << 18
"""Bytes read at once. The rest waits in the kernel, and the program with it: nothing piles up here."""

Stream = Literal["stdout", "stderr"]


class Incoming:
    """Reads descriptors that belong to somebody else; owns their selector.

    What Python prints comes as messages, in its true place. What the program's C code and its children
    print comes by the pipes or the terminal (`streams`): by pipes, its place among the messages is only
    nearly known; `by_terminal`, the marks in it tell.
    """

    def __init__(self, socket: int, streams: dict[Stream, int], by_terminal: bool) -> None:
        self._socket = socket
        self._streams = streams
        self._placing = Placing() if by_terminal else None
        self._decoders = {name: codecs.getincrementaldecoder("utf-8")("replace") for name in streams}
        self._frames = FrameReader()
        self._selector = selectors.DefaultSelector()
        for descriptor in (socket, *streams.values()):
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
        return any(descriptor in self._selector.get_map() for descriptor in self._streams.values())

    def wait(self, timeout: float, to_send: bool = False) -> None:
        """Wait until there is something to read, or `timeout` seconds; `to_send`: or room to send."""
        if to_send and self._socket in self._selector.get_map():
            self._selector.modify(self._socket, selectors.EVENT_READ | selectors.EVENT_WRITE)
            self._selector.select(timeout)
            self._selector.modify(self._socket, selectors.EVENT_READ)
        else:
            self._selector.select(timeout)

    def read(self) -> list[Event]:
        """What has arrived. Raises `WireError` when the messages are not ours."""
        if self._placing is None:
            return [*self._from_pipes(), *self._messages()]
        messages = self._messages()  # first: what stands before them in the terminal is there by then
        return self._placing.place(messages, self._from_terminal())

    def finish(self) -> list[Event]:
        """The last text, also of a character cut short."""
        if self._placing is None:
            return self._from_pipes(final=True)
        return [*self._placing.place([], self._from_terminal()), *self._placing.finish()]

    def _messages(self) -> list[Event]:
        data = self._read(self._socket)
        self.drained = not data
        return [*map(decode_event, self._frames.feed(data))]

    def _from_terminal(self) -> bytes:
        """All that it holds: a terminal gives only a few thousand bytes at once."""
        pieces: list[bytes] = []
        while sum(map(len, pieces)) < CHUNK and (data := self._read(self._streams["stdout"])):
            pieces.append(data)
        return b"".join(pieces)

    def _from_pipes(self, final: bool = False) -> list[Event]:
        events: list[Event] = []
        for name, descriptor in self._streams.items():
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
        except OSError:  # a reset is an end like any other; so is a terminal that nobody has any more
            data = b""
        if not data:
            self._selector.unregister(descriptor)
        return data

    def close(self) -> None:
        """Give the selector back; the descriptors are their owner's."""
        self._selector.close()
