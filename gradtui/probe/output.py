"""The program's Python-level output, sent through the stream: so it stands in its true place among the steps.

What is written past Python (C code, child processes) goes down the same descriptors as ever and is
picked up by the session from the pipe, where its place is only nearly known; so is what finalisers print
after the last exit handler. Where they lead to a terminal, marks in it tell the place.
"""

from __future__ import annotations

import codecs
import io
import itertools
import os
import sys
from typing import Any, Literal

from gradtui.probe.descriptors import identity
from gradtui.probe.faults import is_ours
from gradtui.probe.reporter import Reporter
from gradtui.wire.marks import mark
from gradtui.wire.messages import Output

PIECE = 1 << 16
"""Bytes sent at once: a program that prints megabytes in one piece is shown while it prints."""


class ProgramOutput:
    """Stands in for `sys.stdout` and `sys.stderr` until the process ends, line-buffered as at a terminal.

    A context manager that leaves the streams in place when it exits: what is printed while Python
    shuts down still counts.
    """

    def __init__(self, reporter: Reporter, in_terminal: bool = False) -> None:
        self._reporter = reporter
        self._marks = _Marks() if in_terminal else None
        self._before: tuple[Any, Any] | None = None
        self._streams: tuple[Any, Any] = (None, None)

    def __enter__(self) -> ProgramOutput:
        self._before = (sys.stdout, sys.stderr)  # kept: the descriptors are theirs
        sys.stdout = sys.__stdout__ = self._stream(sys.stdout, "stdout", 1)  # type: ignore[misc]
        sys.stderr = sys.__stderr__ = self._stream(sys.stderr, "stderr", 2)  # type: ignore[misc]
        self._streams = (sys.stdout, sys.stderr)
        self._reporter.flush_output = self.flush
        return self

    def _stream(self, before: Any, name: Literal["stdout", "stderr"], descriptor: int) -> Any:
        if before is None:  # started without one
            return None
        raw = _Raw(self._reporter, name, descriptor, before.encoding, self._marks)
        stream = io.TextIOWrapper(
            io.BufferedWriter(raw),
            encoding=before.encoding,
            errors=before.errors,
            newline="\n",
            line_buffering=True,
            write_through=name == "stderr",
        )
        stream.mode = "w"  # type: ignore[misc]
        return stream

    def flush(self) -> None:
        """What the program has printed so far goes out before the next message.

        A stream of the program's own making is left alone: its `flush` may do anything.
        """
        for stream in {id(s): s for s in (sys.stdout, sys.stderr, *self._streams)}.values():
            if type(stream) is not io.TextIOWrapper:
                continue
            try:
                stream.flush()
            except (ValueError, OSError) as error:
                if not is_ours(error):
                    raise
                # closed by the program

    def __exit__(self, *exc: object) -> None:
        self.flush()


class _Marks:
    """Writes a mark for each message to the terminal, just before it."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def put(self, descriptor: int) -> None:
        try:
            os.write(descriptor, mark(next(self._numbers)))
        except OSError as error:
            if error.errno is None:
                raise  # a signal handler's own `TimeoutError`
            # nobody looks any more


class _Raw(io.RawIOBase):
    """Writes to the stream while there is one, else to the descriptor.

    A program that puts another file under the descriptor (`os.dup2`) has redirected its output:
    then that is where it goes.
    """

    mode = "wb"

    def __init__(
        self,
        reporter: Reporter,
        name: Literal["stdout", "stderr"],
        descriptor: int,
        encoding: str,
        marks: _Marks | None,
    ) -> None:
        self._reporter = reporter
        self._marks = marks
        self._stream = name
        self._descriptor = descriptor
        self._file = identity(descriptor)
        self._taken = b""
        """What a signal handler that raised kept us from acknowledging; the buffer above brings it again."""
        self._decode = codecs.getincrementaldecoder(encoding)("replace").decode
        # Bound now, because modules are emptied while Python shuts down and a finaliser may still print.
        self._write, self._identity, self._output = os.write, identity, Output
        self.name = f"<{name}>"

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        payload = bytes(data[:PIECE])
        if self._reporter.enabled and self._identity(self._descriptor) == self._file:
            taken, self._taken = self._taken, b""
            if taken and payload.startswith(taken):
                return len(taken)
            text = self._decode(payload)
            try:
                if text:
                    if self._marks is not None:
                        self._marks.put(self._descriptor)
                    self._reporter.output(self._output(self._stream, text))
            except BaseException:
                self._taken = payload
                raise
            return len(payload)
        return self._write(self._descriptor, payload)
