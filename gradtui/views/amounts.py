"""Values in a given width, and what a node has been sent so far.

Everything here costs little for a node with a long ledger: the graph asks it of every row it draws.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from gradtui.trace import Pass
from gradtui.trace.model import Arrival
from gradtui.trace.numbers import digits, magnitude, short
from gradtui.wire.messages import Sent, Summary, Value

ADDED = 32
"""Contributions of tensors that are added up here; of more, only their number is told."""
VECTOR = 4
"""Entries of a tensor that is written out."""


def within(value: Value | None, width: int) -> str:
    """The fullest form that fits `width` characters: fewer digits, the entries, the norm alone."""
    text = ""
    for text in _forms(value):
        if len(text) <= width:
            break
    return text


def _forms(value: Value | None) -> Iterator[str]:
    for places in (6, 5, 4, 3, 2):
        yield short(value, places)
    if isinstance(value, Summary):
        entries = value.values
        if entries is not None and 1 < len(entries) <= VECTOR and len(value.shape) == 1:
            yield "[" + ", ".join(digits(v, 3) for v in entries) + "]"
        if value.norm is not None:
            for places in (4, 3, 2, 1):
                yield f"‖{brief(value.norm, places)}‖"
        elif value.note and value.dtype:
            yield f"({value.note})"


def brief(x: float, places: int) -> str:
    """The shorter of the two ways to write a float: `0.0051`, `5.1e-4`."""
    plain = digits(x, places)
    mantissa, e, exponent = f"{x:.{places - 1}e}".partition("e")
    if not e:  # inf, nan
        return plain
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    scientific = f"{mantissa}e{int(exponent)}"
    return scientific if len(scientific) < len(plain) else plain


def arrived(shown: Pass, node: int, step: int) -> list[Arrival]:
    """The contributions that a node was sent up to a step."""
    arrivals = shown.arrivals.get(node, [])
    return arrivals[: bisect_right(arrivals, step, key=lambda a: a.step)]


def output_of(shown: Pass, arrival: Arrival) -> int:
    """Which output of the receiver a contribution is for."""
    sender = shown.nodes.get(arrival.sender)
    return sender.outputs[arrival.slot] if sender is not None and sender.outputs else 0


@dataclass(frozen=True)
class SoFar:
    """What a node has been sent up to a step, before it runs with it."""

    count: int
    total: Value | None
    """The sum; None where it is not known."""
    sets: bool
    """The last write set (`=`) the gradient instead of adding to it."""

    @property
    def told(self) -> bool:
        """Is more known of the sum than its shape?"""
        return self.total is not None and (magnitude(self.total) is not None or noted(self.total))

    def text(self, width: int) -> str:
        """The sum, or how many there are: `[1, 1]`, `2 sent`."""
        return within(self.total, width) if self.told else f"{self.count} sent"


def sent_so_far(shown: Pass, node: int, step: int) -> SoFar | None:
    """What a node has been sent, None where nothing has come."""
    arrivals = shown.arrivals.get(node)
    count = bisect_right(arrivals, step, key=lambda a: a.step) if arrivals else 0
    if not arrivals or not count:
        return None
    last = arrivals[count - 1].sent
    total: Value | None = last.after
    if total is None and count <= ADDED:
        mine = arrivals[:count]
        if not any(output_of(shown, arrival) for arrival in mine):  # of several outputs there is no one sum
            for arrival in mine:
                total = summed(total, arrival.sent)
                if total is None or noted(total):
                    return SoFar(count, None, last.sets or last.overwrote)
    return SoFar(count, total, last.sets or last.overwrote)


def summed(total: Value | None, sent: Sent) -> Value | None:
    """The running sum after one more contribution: what the engine's grad held, else added up here."""
    if sent.after is not None:
        return sent.after
    if total is None:
        return sent.value
    if isinstance(total, Summary) and isinstance(sent.value, Summary):
        one, other = total.values, sent.value.values
        if one is None or other is None or len(one) != len(other):
            return Summary(total.shape, total.dtype, total.device, note="sum not kept")
        values = tuple(map(sum, zip(one, other)))
        return msgspec.structs.replace(total, values=values, norm=math.hypot(*values))
    return None


def noted(total: Value | None) -> bool:
    """Is this no number but a remark why there is none?"""
    return isinstance(total, Summary) and bool(total.note)
