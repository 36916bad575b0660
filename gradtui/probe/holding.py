"""Holds what the program prints while the screen has the terminal, and prints it when the terminal is back.

By descriptor: what C code, threads and children started meanwhile print is held too. Children started
before have descriptors of their own, and write over the screen.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from dataclasses import dataclass
from io import TextIOWrapper

from gradtui.probe.descriptors import away, identity
from gradtui.wire.held import print_on


@dataclass(frozen=True)
class _Place:
    """A terminal or a pipe that standard output or error leads to."""

    target: int
    """A copy of the descriptor."""
    source: int
    """Reads the file."""
    file: int
    """Writes it."""


class Holding:
    """Standard output and error of this process, each held where it leads to a terminal or through a pipe."""

    def __init__(self) -> None:
        self._places: dict[tuple[int, int], _Place] = {}
        self._held: list[tuple[int, _Place]] = []
        self._leads = [(descriptor, self._place_of(descriptor)) for descriptor in (1, 2)]

    @property
    def places(self) -> list[tuple[int, int]]:
        """For each place: what reads the file, and where it leads to."""
        return [(place.source, place.target) for place in self._places.values()]

    @property
    def descriptors(self) -> list[int]:
        """Those that whoever else prints what is held needs."""
        return [descriptor for pair in self.places for descriptor in pair]

    def hold(self) -> None:
        """From here on nothing is printed. What has been printed so far has left Python's buffers."""
        _flush()
        if self._held:
            return
        for descriptor, place in self._leads:
            if place is not None and identity(descriptor) == identity(place.target):
                os.dup2(place.file, descriptor)
                self._held.append((descriptor, place))

    def release(self) -> None:
        """Print it, and let the program print again. What it has redirected meanwhile stays so."""
        if not self._held:
            return
        _flush()
        for descriptor, place in self._held:
            if identity(descriptor) == identity(place.file):
                os.dup2(place.target, descriptor)
        self._held.clear()
        self.print()

    def print(self) -> None:
        """Print what is held, also of children that were started meanwhile."""
        for source, target in self.places:
            print_on(source, target)

    def _place_of(self, descriptor: int) -> _Place | None:
        leads_to = identity(descriptor)
        if leads_to is None or not (os.isatty(descriptor) or _is_pipe(descriptor)):
            return None
        if leads_to not in self._places:
            file, path = tempfile.mkstemp(prefix="gradtui-")
            source = os.open(path, os.O_RDONLY)
            os.unlink(path)
            self._places[leads_to] = _Place(away(os.dup(descriptor)), away(source), away(file))
        return self._places[leads_to]


def _is_pipe(descriptor: int) -> bool:
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _flush() -> None:
    """Streams of the program's own making are left alone: their `flush` may do anything."""
    for stream in {id(s): s for s in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)}.values():
        if type(stream) is TextIOWrapper:
            try:
                stream.flush()
            except (ValueError, OSError):  # closed by the program, or nobody reads it
                pass
