"""One run of one program in its own process, driven over the wire.

Single-threaded and never blocking: `pump` reads what has arrived, so the caller's loop (a screen's
or a headless one) stays in charge. The end of a run is the process's wait status, not an end of
file: a forked child may hold the pipes open. What was sent before the end is read first.
"""

from __future__ import annotations

import codecs
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from gradtui.wire.channel import FrameReader, frame
from gradtui.wire.codec import WireError, decode_event, encode
from gradtui.wire.messages import (
    Begin,
    Event,
    Exited,
    Go,
    Hello,
    Notice,
    Output,
    PassBegan,
    PassEnded,
    Raised,
    Stepped,
    Stopped,
)
from gradtui.wire.recording import RecordingWriter

_PROBE = str(Path(__file__).parent.parent / "probe" / "__main__.py")
CHUNK = 1 << 18
"""Bytes read at once. The rest waits in the kernel, and the program with it: nothing piles up here."""
GRACE = 0.5
"""Seconds between asking a program to end and ending it."""

Until = Literal["step", "pass", "end"]
E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Plan:
    """What to run and how."""

    path: Path
    argv: tuple[str, ...] = ()
    knobs: Mapping[str, str] = field(default_factory=dict)
    stop: bool = True
    """Stop before the first node of the first pass."""
    stats: Literal["auto", "full"] = "auto"
    twin: bool = True
    record: Path | None = None
    """Write the stream to this file as well."""
    inherit_stdin: bool = False
    """The program reads our standard input; otherwise it finds an end of file there."""


class Session:
    """A started program. Feed its events to a trace; tell it to go on; end it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.exited: Exited | None = None
        """The last event, once the program has ended."""
        self.stopped: Stopped | None = None
        """The stop the program stands at, None while it runs."""
        self._passes = self._steps = 0
        self._open_passes: set[int] = set()
        self._error: str | None = None
        self._greeted = False
        self._killed = False
        self._reader = FrameReader()
        self._decoders = {
            name: codecs.getincrementaldecoder("utf-8")("replace") for name in ("stdout", "stderr")
        }
        self._writer = RecordingWriter(plan.record) if plan.record else None
        self._selector = selectors.DefaultSelector()
        ours, theirs = socket.socketpair()
        try:
            self._process = self._start(theirs.fileno())
        finally:
            theirs.close()
        self._socket = ours
        self._register()
        self._command(
            Begin(str(plan.path), plan.argv, dict(plan.knobs), plan.stop, plan.stats, plan.twin)
        )

    def _start(self, descriptor: int) -> subprocess.Popen[bytes]:
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        return subprocess.Popen(
            [sys.executable, *flags, _PROBE, str(descriptor)],
            stdin=None if self.plan.inherit_stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[descriptor],
            start_new_session=True,
        )

    def _register(self) -> None:
        assert self._process.stdout and self._process.stderr
        self._pipes = {"stdout": self._process.stdout.fileno(), "stderr": self._process.stderr.fileno()}
        for descriptor in (self._socket.fileno(), *self._pipes.values()):
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ)

    # --------------------------------------------------------------- reading

    def descriptors(self) -> list[int]:
        """What a loop may watch to learn when `pump` has something to read."""
        return list(self._selector.get_map())

    def pump(self, timeout: float = 0.0) -> list[Event]:
        """What has arrived, waiting up to `timeout` seconds for the first of it; [] if nothing did.

        Once the program has ended and everything is read, the last event is `Exited`.
        """
        if self.exited is not None:
            return []
        events: list[Event] = []
        if self._selector.get_map():
            self._selector.select(timeout)
        else:
            time.sleep(min(timeout, 0.01))
        ended = self._process.poll() is not None  # asked before reading: what it sent is there by now
        messages = self._read_socket()
        events += self._read_pipes(final=False)
        events += messages
        if ended and not messages and not events:
            events += self._read_pipes(final=True)
            events.append(self._farewell())
        for event in events:
            if not isinstance(event, (Output, Exited)):
                self._note(event)
        return events

    def _read(self, descriptor: int) -> bytes:
        try:
            data = os.read(descriptor, CHUNK)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data and descriptor in self._selector.get_map():
            self._selector.unregister(descriptor)
        return data

    def _read_socket(self) -> list[Event]:
        data = self._read(self._socket.fileno())
        events: list[Event] = []
        try:
            for payload in self._reader.feed(data):
                event = decode_event(payload)
                self._record(event, payload)
                events.append(event)
        except WireError as error:
            events.append(self._recorded(Notice(f"the program's stream broke off: {error}")))
            self.kill()
        return events

    def _read_pipes(self, final: bool) -> list[Event]:
        events: list[Event] = []
        for name, descriptor in self._pipes.items():
            data = self._read(descriptor) if descriptor in self._selector.get_map() else b""
            text = self._decoders[name].decode(data, final)
            if text:
                stream: Literal["stdout", "stderr"] = "stdout" if name == "stdout" else "stderr"
                events.append(self._recorded(Output(stream, text)))
        return events

    def _note(self, event: Event) -> None:
        match event:
            case Hello():
                self._greeted = True
            case PassBegan():
                self._passes += 1
                self._open_passes.add(event.number)
            case Stepped():
                self._steps += 1
            case PassEnded():
                self._open_passes.discard(event.number)
            case Stopped():
                self.stopped = event
            case Raised():
                self._error = event.error

    def _farewell(self) -> Exited:
        code = self._process.wait()
        error = self._error
        if self._killed:
            error = "ended by the debugger"
        elif code < 0 and error is None:
            error = f"killed by signal {-code} ({_signal_name(-code)})"
        elif not self._greeted:
            error = "the program could not be started; its messages are in its output"
        elif self._open_passes and error is None:
            error = f"ended inside pass {max(self._open_passes)}, without an exception"
        self.stopped = None
        self.exited = Exited(code, self._passes, self._steps, error)
        self._recorded(self.exited)
        if self._writer:
            self._writer.close()
        self._selector.close()
        self._socket.close()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()
        return self.exited

    def _record(self, event: Event, payload: bytes | None = None) -> None:
        if self._writer:
            self._writer.write(event, payload)

    def _recorded(self, event: E) -> E:
        self._record(event)
        return event

    # --------------------------------------------------------------- driving

    def go(self, until: Until) -> None:
        """Leave the stop: `step` runs one node, `pass` to the next pass, `end` to whatever stops it."""
        if self.stopped is not None:
            self.stopped = None
            self._command(Go(until))

    def _command(self, command: Begin | Go) -> None:
        data = frame(encode(command))
        try:
            self._socket.setblocking(True)
            self._socket.sendall(data)
        except OSError:
            pass  # the program is gone; its wait status will say how
        finally:
            self._socket.setblocking(False)

    def signal(self, number: int) -> None:
        """Pass a signal on to the program."""
        if self._process.poll() is None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """End the program and everything it started. Returns when it is gone."""
        if self.exited is not None:
            return
        self._killed = self._process.poll() is None
        self._signal_group(signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        self._signal_group(signal.SIGKILL)
        self._process.wait()

    def _signal_group(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    def close(self) -> None:
        """Kill the program and read what it left; the recording is whole afterwards."""
        self.kill()
        while self.exited is None:
            self.pump()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
