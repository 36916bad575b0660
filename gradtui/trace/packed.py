"""A pass as bytes: its messages as they came. Packed it takes about a sixth of what it takes unpacked."""

from __future__ import annotations

from array import array

import msgspec

from gradtui.trace.model import Pass
from gradtui.wire.codec import encode
from gradtui.wire.messages import Event

OVERHEAD = 400
"""Bytes that a packed pass takes beside its messages, about."""

_events = msgspec.msgpack.Decoder(list[Event])


class Packed(msgspec.Struct, frozen=True, gc=False):
    """A pass that has ended."""

    events: bytes
    """The messages about it, as one MessagePack array."""
    reached: bytes
    came_from: bytes

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return len(self.events) + len(self.reached) + len(self.came_from) + OVERHEAD

    def followed_by(self, event: Event) -> Packed:
        """The same with one message more."""
        count = int.from_bytes(self.events[1:5], "big") + 1
        events = _head(count) + self.events[5:] + encode(event)
        return Packed(events, self.reached, self.came_from)

    def unpack(self) -> Pass:
        """The pass again, equal in all to what it was."""
        began, *events = _events.decode(self.events)
        pass_ = Pass(began)  # type: ignore[arg-type]
        for event in events:
            pass_.fold(event)
        pass_.reached = array("q", self.reached)
        pairs = array("q", self.came_from)
        pass_.came_from = dict(zip(pairs[::2], pairs[1::2]))
        return pass_


class Packing:
    """Packs an open pass message by message, so that no moment has to pay for all of it."""

    def __init__(self, pass_: Pass) -> None:
        self.of = pass_
        self._count = 0
        self._data = bytearray(5)  # the array's head: how many there are is known at the end
        self.add(pass_.began)

    def add(self, event: Event) -> None:
        """The next message about the pass."""
        self._data += encode(event)
        self._count += 1

    def done(self) -> Packed:
        """The whole of it."""
        self._data[:5] = _head(self._count)
        came_from = array("q", [number for pair in self.of.came_from.items() for number in pair])
        return Packed(bytes(self._data), self.of.reached.tobytes(), came_from.tobytes())


def _head(count: int) -> bytes:
    """What a MessagePack array of so many begins with."""
    return b"\xdd" + count.to_bytes(4, "big")
