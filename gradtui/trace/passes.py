"""The passes that one can travel in: the newest, as many as fit into a number of bytes.

A pass that has ended is kept packed; those that were looked at last are there unpacked as well. What
does not fit any more is let go, oldest first. Never let go are: a pass that has not ended, the newest
one, and, as far as a share of the room goes, passes in which something was found.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Sequence
from typing import overload

from gradtui.trace.keep import SHARE
from gradtui.trace.model import Pass
from gradtui.trace.packed import Packed, Packing
from gradtui.wire.messages import Event

LIVE = 2 << 20
"""Packed bytes of passes that are there unpacked as well: to go to one of them costs nothing."""
AT_LEAST = 3
"""So many are, however large they are."""
BATCH = 16
"""One part in so many of the room is made free at once: a pass costs the same however many there are."""


class Passes(Sequence[Pass]):
    """Kept passes, in the order in which they began. Written by `Trace.fold` only."""

    def __init__(self, keep: int | None) -> None:
        self.keep = keep
        """Bytes to keep, None for all."""
        self.begun = 0
        """Passes that have begun, kept or not."""
        self.newest = 0
        """The highest number among them."""
        self.bytes = 0
        """What the kept ones take, those that are open not counted."""
        self._order = array("q")
        self._open: dict[int, Packing] = {}
        self._packed: dict[int, Packed] = {}
        self._live: dict[int, Pass] = {}
        """Open passes, and those used last; the last used stands last."""
        self._live_bytes = 0
        self._waiting: deque[int] = deque()
        """Passes that may be let go, in the order in which they ended."""
        self._found: set[int] = set()
        self._held_bytes = 0

    # ---------------------------------------------------------------- writing

    def begin(self, pass_: Pass) -> None:
        """The next pass."""
        self.begun += 1
        self.newest = max(self.newest, pass_.number)
        self._order.append(pass_.number)
        self._open[pass_.number] = Packing(pass_)
        self._live[pass_.number] = pass_

    def fold(self, number: int, event: Event) -> Pass:
        """A message about a pass: an open one, or one at whose end the program still stands."""
        packing = self._open.get(number)
        if packing is None:
            return self._fold_late(number, event)
        packing.of.fold(event)
        packing.add(event)
        return packing.of

    def _fold_late(self, number: int, event: Event) -> Pass:
        pass_ = self.numbered(number)
        if pass_ is None:
            raise KeyError(number)
        pass_.fold(event)
        before = self._packed[number]
        after = self._packed[number] = before.followed_by(event)
        self.bytes += after.size - before.size
        self._live_bytes += after.size - before.size
        return pass_

    def end(self, number: int) -> list[int]:
        """The pass has ended. Returns the numbers of passes that were let go to make room."""
        packing = self._open.pop(number)
        packed = self._packed[number] = packing.done()
        self.bytes += packed.size
        self._waiting.append(number)
        self._use(packing.of, packed)
        gone = self._let_go(number)
        if gone:
            kept = self._order
            self._order = array("q", [n for n in kept if n in self._packed or n in self._open])
        return gone

    def found(self, number: int) -> None:
        """Something was found in this pass: it is evidence."""
        self._found.add(number)

    def _let_go(self, newest: int) -> list[int]:
        if self.keep is None or self.bytes <= self.keep:
            return []
        room = self.keep - self.keep // BATCH
        gone = []
        while self.bytes > room and self._waiting[0] != newest:
            number = self._waiting.popleft()
            size = self._packed[number].size
            if number in self._found and self._held_bytes + size <= self.keep // SHARE:
                self._held_bytes += size
                continue
            del self._packed[number]
            self.bytes -= size
            if self._live.pop(number, None) is not None:
                self._live_bytes -= size
            gone.append(number)
        return gone

    def _use(self, pass_: Pass, packed: Packed) -> None:
        """An ended pass is wanted unpacked; those that were not for longest no longer are."""
        self._live.pop(pass_.number, None)
        self._live[pass_.number] = pass_
        self._live_bytes += packed.size
        while self._live_bytes > LIVE and len(self._live) - len(self._open) > AT_LEAST:
            oldest = next(number for number in self._live if number not in self._open)
            del self._live[oldest]
            self._live_bytes -= self._packed[oldest].size

    # ---------------------------------------------------------------- reading

    def numbered(self, number: int) -> Pass | None:
        """The pass of that number; None where there is none, or it was let go."""
        live = self._live.get(number)
        if live is None:
            packed = self._packed.get(number)
            if packed is None:
                return None
            live = packed.unpack()
            self._use(live, packed)
        elif next(reversed(self._live)) != number:
            self._live[number] = self._live.pop(number)
        return live

    def open_one(self, number: int) -> Pass | None:
        """The pass of that number while it has not ended."""
        packing = self._open.get(number)
        return None if packing is None else packing.of

    def place(self, number: int, step: int) -> int | None:
        """Where a position of a kept pass stands in the order of arrival; None where there is none such."""
        live, packed = self._live.get(number), self._packed.get(number)
        reached = live.reached if live is not None else array("q", b"" if packed is None else packed.reached)
        return reached[step] if 0 <= step < len(reached) else None

    def has(self, number: int) -> bool:
        """Is the pass of that number kept?"""
        return number in self._packed or number in self._open

    def before(self, number: int) -> int | None:
        """The number of the kept pass that began before; None where there is none."""
        at = place_of(self._order, number)
        at = bisect_left(self._order, number) if at is None else at
        return self._order[at - 1] if at > 0 else None

    def after(self, number: int) -> int | None:
        """The number of the kept pass that began after; None where there is none."""
        at = place_of(self._order, number)
        at = bisect_left(self._order, number) if at is None else at + 1
        return self._order[at] if at < len(self._order) else None

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, index: int) -> Pass: ...
    @overload
    def __getitem__(self, index: slice) -> list[Pass]: ...
    def __getitem__(self, index: int | slice) -> Pass | list[Pass]:
        if isinstance(index, slice):
            return [self._read(number) for number in self._order[index]]
        found = self.numbered(self._order[index])
        assert found is not None
        return found

    def since(self, number: int) -> Iterator[Pass]:
        """Those of this number and higher ones."""
        return (self._read(n) for n in array("q", self._order) if n >= number)

    def __iter__(self) -> Iterator[Pass]:
        return (self._read(number) for number in array("q", self._order))

    def _read(self, number: int) -> Pass:
        """One of many: it is not unpacked for longer."""
        live = self._live.get(number)
        return self._packed[number].unpack() if live is None else live


def place_of(numbers: array[int], number: int) -> int | None:
    """Where a number stands: they rise, but for passes that began at once in several threads."""
    at = bisect_left(numbers, number)
    if at < len(numbers) and numbers[at] == number:
        return at
    try:
        return numbers.index(number)
    except ValueError:
        return None
