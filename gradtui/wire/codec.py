"""Messages to bytes and back: MessagePack by msgspec, no pickle, so a stranger's bytes cannot run code."""

from __future__ import annotations

from typing import Any

import msgspec

from gradtui.wire.messages import Command, Event


class WireError(Exception):
    """Bytes that are no message of ours; the text says what was wrong."""


class BadRecording(WireError):
    """A recording that cannot be opened; the text says why and what to do."""


_encoder = msgspec.msgpack.Encoder()
_events: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)
_commands: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Command)


def encode(message: Event | Command) -> bytes:
    """Any message to its bytes. A lone surrogate in a text (a file name that is no UTF-8) is escaped."""
    try:
        return _encoder.encode(message)
    except UnicodeEncodeError:
        return _encoder.encode(_escaped(msgspec.to_builtins(message)))


def _escaped(item: Any) -> Any:
    match item:
        case str():
            return item.encode("utf-8", "backslashreplace").decode()
        case list() | tuple():
            return [_escaped(entry) for entry in item]
        case dict():
            return {_escaped(key): _escaped(entry) for key, entry in item.items()}
    return item


def decode_event(data: bytes) -> Event:
    """One message of a program's stream. Raises `WireError` for an unknown tag or a malformed body."""
    try:
        return _events.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise WireError(f"not a message of this version: {error}") from None


def decode_command(data: bytes) -> Command:
    """One command to a program. Raises `WireError` like `decode_event`."""
    try:
        return _commands.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise WireError(f"not a command of this version: {error}") from None
