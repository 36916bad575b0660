"""A trace on disk: the stream written down, each frame with its checksum.

    magic "gradtui trace\\n" | version u32 | { length u32 | crc32 u32 | payload } ...

A whole recording ends with an `Exited` message; one that does not is truncated.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gradtui.wire.codec import BadRecording, WireError, decode_event, encode
from gradtui.wire.messages import VERSION, Event, Exited, Progress

MAGIC = b"gradtui trace\n"


class RecordingWriter:
    """Writes events to a file as they come; every frame is flushed to the system with its step."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")
        self._file.write(MAGIC + VERSION.to_bytes(4, "big"))

    def write(self, event: Event, payload: bytes | None = None) -> None:
        """Append one event; `payload` is its encoding where the caller has it already."""
        if isinstance(event, Progress):
            return
        data = encode(event) if payload is None else payload
        self._file.write(len(data).to_bytes(4, "big") + zlib.crc32(data).to_bytes(4, "big") + data)

    def close(self) -> None:
        """Flush and close."""
        self._file.close()


def read_recording(path: Path, partial: bool = False) -> Iterator[Event]:
    """The events of a recording, checked frame by frame.

    Raises `BadRecording` when the file is no recording, of another version, corrupt or truncated;
    with `partial`, a truncated or corrupt tail simply ends the iteration.
    """
    with path.open("rb") as file:
        _check_head(path, file)
        count, last = 0, None
        while True:
            head = file.read(8)
            if not head:
                break
            data = file.read(int.from_bytes(head[:4], "big")) if len(head) == 8 else b""
            fault = _fault(head, data)
            if fault is None:
                try:
                    last = decode_event(data)
                except WireError as error:
                    fault = f"corrupt ({error})"
            if fault is not None:
                if partial:
                    return
                raise _damaged(path, fault, count)
            assert last is not None
            count += 1
            yield last
        if not isinstance(last, Exited) and not partial:
            raise _damaged(path, "truncated", count)


def _check_head(path: Path, file: BinaryIO) -> None:
    head = file.read(len(MAGIC) + 4)
    if not head.startswith(MAGIC):
        what = "is empty" if not head else "is not a gradtui recording"
        raise BadRecording(f"{path} {what}: make one with `gradtui run --headless --out FILE PROGRAM`")
    if len(head) < len(MAGIC) + 4:
        raise _damaged(path, "truncated", 0)
    version = int.from_bytes(head[len(MAGIC) :], "big")
    if version != VERSION:
        raise BadRecording(
            f"{path} was recorded with stream version {version}; this gradtui reads version {VERSION}: "
            "record it again, or open it with the gradtui that made it"
        )


def _fault(head: bytes, data: bytes) -> str | None:
    if len(head) < 8 or len(data) < int.from_bytes(head[:4], "big"):
        return "truncated"
    if zlib.crc32(data) != int.from_bytes(head[4:], "big"):
        return "corrupt (a checksum does not match)"
    return None


def _damaged(path: Path, fault: str, count: int) -> BadRecording:
    return BadRecording(
        f"{path} is {fault} after {count} messages: record it again, "
        "or see what is whole with `gradtui open --partial`"
    )
