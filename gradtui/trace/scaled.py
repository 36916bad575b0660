"""Passes of a loss that a `GradScaler` has scaled up.

It looks for overflow itself, skips the update and scales less: the first passes overflow in correct
training. What overflows in many passes in a row does so at any scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradtui.trace.model import Pass

if TYPE_CHECKING:
    from gradtui.trace.trace import Trace

IN_A_ROW = 17
"""As often the usual scale, 65,536, is halved until it is below 1."""
_SCALER = "amp/grad_scaler.py"


class Scaled:
    """Counts such passes that overflow, one after the other, for each loss: by the line that scales it."""

    def __init__(self) -> None:
        self._rows: dict[int | None, int] = {}
        self._overflowed: set[int] = set()
        """Passes that have, by number."""

    def excused(self, trace: Trace, pass_: Pass) -> bool:
        """A step of the pass has overflowed: will the scaler see to it?"""
        if not _is_scaled(trace, pass_):
            return False
        line = pass_.root.stack
        if pass_.number not in self._overflowed:
            self._overflowed.add(pass_.number)
            self._rows[line] = self._rows.get(line, 0) + 1
        return self._rows[line] < IN_A_ROW

    def ended(self, pass_: Pass) -> None:
        """The pass has ended."""
        if pass_.number not in self._overflowed:
            self._rows.pop(pass_.root.stack, None)
        self._overflowed.discard(pass_.number)


def _is_scaled(trace: Trace, pass_: Pass) -> bool:
    for frame in trace.frames(pass_.root.stack):
        source = trace.sources.get(frame.file)
        if source is not None and source.path.replace("\\", "/").endswith(_SCALER):
            return True
    return False
