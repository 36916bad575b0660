"""Breakpoints that never held: said when the program has ended, with the reason where it is plain."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from difflib import get_close_matches

from gradtui.wire.messages import Breakpoint, Event, Node, PassBegan, Source, Stack, Stopped, Traced
from gradtui.wire.patterns import fits, fits_op, short_op

PROPOSED = 3
"""Names that are proposed at most."""


class Unheld:
    """Listens to a run, and knows in the end which breakpoints never held."""

    def __init__(self) -> None:
        self._held: set[int] = set()
        self._passes = 0
        self._whole = True
        """Have the nodes of every pass been looked at?"""
        self._ops: set[str] = set()
        self._names: set[str] = set()
        self._modules: set[str] = set()
        self._files: dict[int, str] = {}
        self._lines: set[tuple[int, int]] = set()

    def note(self, event: Event, points: tuple[Breakpoint, ...]) -> None:
        """Something came from the program, which has these breakpoints now."""
        match event:
            case Stopped():
                self._held.update(hit.breakpoint for hit in event.hits)
            case Traced():
                self._held.add(event.breakpoint)
            case Source():
                self._files[event.file] = event.path
            case Stack():
                self._lines.update((frame.file, frame.line) for frame in event.frames)
            case PassBegan():
                self._passes = max(self._passes, event.number)
                if points and not event.light:
                    self._look(event.nodes)
                else:
                    self._whole = False

    def _look(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            self._ops.add(node.op)
            self._names.add(node.name or "")
            self._modules.add(node.module or "")

    # -------------------------------------------------------------- at the end

    def told(self, points: Iterable[Breakpoint]) -> list[str]:
        """A line for each breakpoint that is enabled and never held."""
        return [self._told(p) for p in points if p.enabled and p.id not in self._held]

    def _told(self, point: Breakpoint) -> str:
        often = f"held no more than {point.ignore:,} times" if point.ignore else "never held"
        why = self._why(point)
        return f"breakpoint {point.id} ({point.text}) {often}" + (f": {why}" if why else "")

    def _why(self, point: Breakpoint) -> str:
        """What of it was nowhere; '' where that is not known, or all of it was somewhere."""
        if not self._passes:
            return "no backward pass was seen"
        if point.number > self._passes:
            return f"there were {self._passes:,} passes" if self._passes > 1 else "there was one pass"
        if not self._whole:
            return ""
        if point.op and not any(fits_op(op, point.op) for op in self._ops):
            return "no node of that op" + _proposal(point.op, self._ops, short_op)
        if point.name and not any(fits(name, point.name) for name in self._names):
            return "no node of that name" + _proposal(point.name, self._names, _last)
        if point.line:
            return self._why_not_there(point)
        return self._why_no_module(point.module) if point.module else ""

    def _why_no_module(self, wanted: str) -> str:
        inner = wanted.partition(".")[2]  # the model itself may be called by its variable
        found = any(
            fits(module, pattern) or fits(module, pattern + ".*")
            for pattern in (wanted, inner)
            for module in self._modules
            if pattern
        )
        return "" if found else "no node of that module" + _proposal(wanted, self._modules, _last)

    def _why_not_there(self, point: Breakpoint) -> str:
        wanted = os.path.normpath(point.file)
        files = [n for n, path in self._files.items() if path == wanted or path.endswith(os.sep + wanted)]
        if not files:
            return "no node was made by a file of that name"
        made = any((file, point.line) in self._lines for file in files)
        return "" if made else "no node was made on that line"


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _proposal(wanted: str, known: Iterable[str], short: Callable[[str], str]) -> str:
    """`: did you mean ReluBackward0?`, where something is called like it."""
    called: dict[str, str] = {}
    for name in sorted(known):
        if name:
            called.setdefault(short(name).lower(), name)
            called.setdefault(name.lower(), name)
    close = get_close_matches(wanted.lower(), called, PROPOSED + 1)
    names = list(dict.fromkeys(called[key] for key in close))[:PROPOSED]
    return f": did you mean {' or '.join(names)}?" if names else ""
