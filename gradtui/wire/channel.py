"""Transport: length-prefixed frames over a socketpair that the started process inherits.

The program's end blocks (`Channel`); the debugger's end never does (`FrameReader`), so that one
thread can serve the screen and the stream. `MemoryChannel` still encodes and decodes: what works
in memory works over the wire.

A frame is a 4-byte big-endian length and that many bytes. `multiprocessing.connection` speaks the
same way but is not used: it would load `socket`, `tempfile` and `random` into the program before
its first line, and it reads one message per system call.
"""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

from gradtui.wire.codec import WireError, decode_command, decode_event, encode
from gradtui.wire.messages import Command, Event

HEADER = 4
LONGEST = 1 << 31
"""A longer frame is taken for garbage."""


class Closed(Exception):
    """The other end is gone."""


class Outlet(Protocol):
    """Where a probe sends its events and, where it can be stopped, takes its commands."""

    def send(self, event: Event) -> None: ...
    def receive(self) -> Command: ...
    def waiting(self) -> bool: ...
    def close(self) -> None: ...


def frame(payload: bytes) -> bytes:
    """A payload with its length in front."""
    return len(payload).to_bytes(HEADER, "big") + payload


class Channel:
    """The program's end, over an inherited descriptor. Blocking; `send` may be called by any thread.

    A signal handler of the program's may run between any two lines here: it may raise
    (`KeyboardInterrupt`, a `TimeoutError`, which is an `OSError` like the system's own, but one
    without an error number) and it may send (by printing). No frame is ever torn by that. How much of
    a frame has left is known at every moment, so that whoever sends next takes up where it broke off.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._outgoing: deque[tuple[bytes, list[int]]] = deque()
        """Frames in order, each with the byte counts of the writes that it has had so far."""
        self._lock = threading.RLock()
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        self._poll = poll.poll

    def send(self, event: Event) -> None:
        """Write one event whole. Raises `Closed` when the debugger is gone."""
        self._outgoing.append((frame(encode(event)), []))
        self.flush()

    def flush(self) -> None:
        """Write what is left, also of an interrupted `send`. Raises `Closed` when the debugger is gone."""
        while self._outgoing:  # asked again once the lock is free: a handler may have sent meanwhile
            if self._lock._is_owned():  # type: ignore[attr-defined]
                return  # we are that handler: the write below us goes on with this one
            with self._lock:
                try:
                    self._write()
                except OSError as error:
                    if error.errno is None:
                        raise  # a handler's own `TimeoutError`
                    self._outgoing.clear()
                    raise Closed(str(error)) from None

    def _write(self) -> None:
        while self._outgoing:
            data, counts = self._outgoing[0]
            if not counts:  # nothing has left of it; mostly all of it does at once
                counts.extend(map(os.write, (self._descriptor,), (data,)))
            while (done := sum(counts)) < len(data):
                # Written and noted in one call of C: no signal handler comes between the two.
                counts.extend(map(os.write, (self._descriptor,), (memoryview(data)[done:],)))
            self._outgoing.popleft()

    def waiting(self) -> bool:
        """Has a command begun to arrive, or has the debugger gone? One system call."""
        return bool(self._poll(0))

    def receive(self) -> Command:
        """Block for the next command. Raises `Closed` when the debugger is gone."""
        return decode_command(self._read(int.from_bytes(self._read(HEADER), "big")))

    def _read(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            try:
                chunk = os.read(self._descriptor, count - len(parts))
            except OSError as error:
                if error.errno is None:
                    raise  # a handler's own `TimeoutError`
                raise Closed(str(error)) from None
            if not chunk:
                raise Closed("end of stream")
            parts += chunk
        return bytes(parts)

    def close(self) -> None:
        """Close this process's copy: a forked child does so at once, or it would hold the stream open."""
        try:
            os.close(self._descriptor)
        except OSError as error:
            if error.errno is None:
                raise


class FrameReader:
    """Cuts a byte stream into frames; what is not whole yet waits for more bytes."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._start = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that are whole now. Raises `WireError` on an impossible length."""
        buffer = self._buffer
        buffer += data
        frames = []
        start, size = self._start, len(buffer)
        while size - start >= HEADER:
            length = int.from_bytes(buffer[start : start + HEADER], "big")
            if length > LONGEST:
                raise WireError(f"a frame of {length} bytes: this is not our stream")
            end = start + HEADER + length
            if end > size:
                break
            frames.append(bytes(buffer[start + HEADER : end]))
            start = end
        if start > 1 << 20 or start == size:
            del buffer[:start]
            start = 0
        self._start = start
        return frames


class MemoryChannel:
    """Events go through the codec straight to a callback, in the caller's thread; nothing ever stops."""

    def __init__(self, deliver: Callable[[Event], object]) -> None:
        self._deliver = deliver
        self._lock = threading.RLock()

    def send(self, event: Event) -> None:
        """Encode, decode, deliver."""
        with self._lock:
            self._deliver(decode_event(encode(event)))

    def waiting(self) -> bool:
        """Nobody commands an in-memory probe."""
        return False

    def receive(self) -> Command:
        """Nobody commands an in-memory probe: raises `Closed`."""
        raise Closed("an in-memory channel has no debugger at its other end")

    def close(self) -> None:
        """Nothing to close."""
