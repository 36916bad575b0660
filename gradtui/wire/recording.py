"""A trace on disk: the stream written down, each frame with its checksum.

    magic "gradtui trace\n" | version u32 | { length u32 | crc32 u32 | payload } ...

A whole recording ends with an `Exited` message; one that does not is truncated. A reader of a
recording may trust its ids: what a message speaks of was announced before it.
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from gradtui.wire.codec import BadRecording, WireError, decode_event, encode
from gradtui.wire.messages import (
    VERSION,
    Changed,
    Event,
    Exited,
    Inspected,
    Notice,
    PassBegan,
    PassEnded,
    Progress,
    Refused,
    Replaced,
    Stepped,
    Stopped,
)

MAGIC = b"gradtui trace\n"
_FRAME = struct.Struct(">II")
"""What stands before a payload: its length and its checksum."""
_MISMATCH = "corrupt (a checksum does not match)"


class RecordingWriter:
    """Writes events to a file as they come. What was written before a `flush` survives our own death.

    The file is made, and an older one replaced, by opening the writer. Raises `OSError` where the
    system does; a writer that raised cannot go on.
    """

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")
        self._file.write(MAGIC + VERSION.to_bytes(4, "big"))

    def write(self, event: Event) -> None:
        """Append one event; what is no fact of the run is left out: progress, and answers to questions."""
        if not isinstance(event, Progress | Inspected | Refused):
            data = encode(event)
            self._file.write(_FRAME.pack(len(data), zlib.crc32(data)) + data)

    def flush(self) -> None:
        """Hand what was written to the system."""
        self._file.flush()

    def close(self) -> None:
        """Flush and close."""
        self._file.close()

    def abandon(self) -> None:
        """Close after an error; what could not be written is let go."""
        try:
            self._file.close()
        except OSError:
            pass


def read_recording(path: Path, partial: bool = False) -> Iterator[Event]:
    """The events of a recording, checked frame by frame.

    Raises `BadRecording` when the file cannot be read, is no recording, of another version, corrupt
    or truncated. With `partial`, a truncated or corrupt tail ends the iteration with a `Notice`.
    """
    try:
        with path.open("rb") as file:
            _check_head(path, file)
            yield from _events(path, file, partial)
    except OSError as error:
        raise BadRecording(f"cannot read {path}: {error.strerror}") from None


def _events(path: Path, file: BinaryIO, partial: bool) -> Iterator[Event]:
    coherence = _Coherence()
    size = os.fstat(file.fileno()).st_size
    count = 0
    while not coherence.ended or file.tell() < size:
        event = _next(file, size)
        fault = event if isinstance(event, str) else coherence.fault_of(event)
        if fault is not None:
            if not partial:
                raise _damaged(path, fault, count)
            yield Notice(f"{path} is {fault} after {count} messages: this is what was whole")
            return
        assert not isinstance(event, str)
        count += 1
        yield event


def count_messages(path: Path) -> int:
    """How many messages a recording holds. Of each the checksum is looked at, not yet what it says.

    Raises `BadRecording` as `read_recording` does where the file is damaged.
    """
    try:
        with path.open("rb") as file:
            _check_head(path, file)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data, memoryview(data) as view:
                return _count(path, view)
    except OSError as error:
        raise BadRecording(f"cannot read {path}: {error.strerror}") from None


def _count(path: Path, data: memoryview) -> int:
    at, end, count, last = len(MAGIC) + 4, len(data), 0, 0
    while at < end:
        length, checksum = _FRAME.unpack_from(data, at) if at + _FRAME.size <= end else (end, 0)
        last = at + _FRAME.size
        at = last + length
        if at > end:
            raise _damaged(path, "truncated", count)
        if zlib.crc32(data[last:at]) != checksum:
            raise _damaged(path, _MISMATCH, count)
        count += 1
    try:
        whole = bool(count) and isinstance(decode_event(bytes(data[last:])), Exited)
    except WireError as error:
        raise _damaged(path, f"corrupt ({error})", count - 1) from None
    if not whole:
        raise _damaged(path, "truncated", count)
    return count


def _damaged(path: Path, fault: str, count: int) -> BadRecording:
    text = f"{path} is {fault} after {count} messages"
    return BadRecording(f"{text}: record it again, or see what is whole with `gradtui open --partial`")


def _check_head(path: Path, file: BinaryIO) -> None:
    head = file.read(len(MAGIC) + 4)
    if not head.startswith(MAGIC):
        what = "is empty" if not head else "is not a gradtui recording"
        raise BadRecording(f"{path} {what}: make one with `gradtui run --headless --out FILE PROGRAM`")
    version = int.from_bytes(head[len(MAGIC) :], "big")
    if len(head) == len(MAGIC) + 4 and version != VERSION:
        raise BadRecording(
            f"{path} was recorded with stream version {version}; this gradtui reads version {VERSION}: "
            "record it again, or open it with the gradtui that made it"
        )


def _next(file: BinaryIO, size: int) -> Event | str:
    """The next event, or what is wrong with it."""
    head = file.read(_FRAME.size)
    if len(head) < _FRAME.size:
        return "truncated"
    length, checksum = _FRAME.unpack(head)
    if length > size - file.tell():
        return "truncated"
    data = file.read(length)
    if zlib.crc32(data) != checksum:
        return _MISMATCH
    try:
        return decode_event(data)
    except WireError as error:
        return f"corrupt ({error})"


class _Coherence:
    """Does each message speak only of passes, nodes and steps that were announced before it?"""

    def __init__(self) -> None:
        self.ended = False
        """Has the last message been seen?"""
        self._begun = _Numbers()
        self._nodes: dict[int, set[int]] = {}
        """The nodes of each pass that began, but for one that had ended when another began."""
        self._over: list[int] = []
        """Passes that have ended since."""
        self._steps: dict[int, int] = {}
        """How many steps each of these has taken."""

    def fault_of(self, event: Event) -> str | None:
        """What is wrong with the next message, None if nothing is."""
        if self.ended:
            return "corrupt (it goes on after its end)"
        match event:
            case Exited():
                self.ended = True
            case PassBegan():
                if not event.roots or not self._begun.add(event.number):
                    return "corrupt (a pass without a root, or twice)"
                for number in self._over:
                    self._nodes.pop(number, None)
                    self._steps.pop(number, None)
                self._over.clear()
                self._nodes[event.number] = {node.id for node in event.nodes}
                self._steps[event.number] = 0
                return self._check(event.number, _nodes_of_pass(event))
            case Stepped():
                self._steps[event.number] = self._steps.get(event.number, 0) + 1
                if event.step != self._steps[event.number]:
                    return "corrupt (steps are missing)"
                return self._check(event.number, _nodes_of_step(event))
            case PassEnded():
                spoken_of = {*(a.node for a in event.leaves), *(w.node for w in event.outside), event.failed}
                self._over.append(event.number)
                return self._check(event.number, spoken_of)
            case Replaced() | Changed():
                return self._check(event.number, {event.node})
            case Stopped():
                return self._check(event.number, {event.next, event.then, *(hit.to for hit in event.hits)})
        return None

    def _check(self, number: int, spoken_of: Collection[int | None]) -> str | None:
        known = self._nodes.get(number, set())
        if number not in self._begun or not known.issuperset(n for n in spoken_of if n is not None):
            return "corrupt (a message speaks of a node that no pass announced)"
        return None


class _Numbers:
    """Which numbers have come, where mostly all do, mostly in order."""

    def __init__(self) -> None:
        self._newest = 0
        self._missing: list[range] = []
        """Those below the newest that have not come."""

    def __contains__(self, number: int) -> bool:
        return 0 < number <= self._newest and not any(number in gap for gap in self._missing)

    def add(self, number: int) -> bool:
        """It has come; False where that is impossible: it has come before."""
        if number > self._newest:
            if number > self._newest + 1:
                self._missing.append(range(self._newest + 1, number))
            self._newest = number
            return True
        for i, gap in enumerate(self._missing):
            if number in gap:
                parts = (range(gap.start, number), range(number + 1, gap.stop))
                self._missing[i : i + 1] = [part for part in parts if part]
                return True
        return False


def _nodes_of_pass(event: PassBegan) -> set[int]:
    inputs = {i for node in event.nodes for i in node.inputs if i is not None}
    return inputs | set(event.roots) | {node for node, _ in event.before}


def _nodes_of_step(event: Stepped) -> set[int]:
    nodes = {event.node, *(write.node for write in event.outside)}
    nodes |= {sent.to for sent in event.sent if sent is not None}
    return nodes if event.accumulated is None else nodes | {event.accumulated.node}
