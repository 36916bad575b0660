"""The passes pane: reads the curves as they grow, and paints no more often than an eye can follow."""

from __future__ import annotations

import time
from collections.abc import Sequence

from gradtui.trace.history import Curve, Losses
from gradtui.trace.trace import Trace
from gradtui.tui.widgets.pane import Pane
from gradtui.views import passes
from gradtui.views.state import State

MANY = 2_000
"""Passes from which a picture of them costs enough to be spared."""
APART = 1 / 8
"""Seconds between two pictures of so many."""


class PassesPane(Pane):
    """Loss curves and a leaf's gradient over the passes."""

    def __init__(self) -> None:
        super().__init__("passes", "passes")
        self.earlier: Sequence[Curve] = ()
        """Loss curves of earlier runs, drawn beside this one's."""
        self._losses: tuple[Trace, Losses] | None = None
        self._state: State | None = None
        self._made_of: object = None
        self._made_at = 0.0
        self._waits = False

    def show_state(self, state: State) -> None:
        """Bring the picture up to date: at once, or when its turn comes."""
        self._state = state
        if self._made_of == self._key(state):
            return
        wait = self._made_at + APART - time.monotonic()
        if state.trace.passes.begun < MANY or wait <= 0:
            self._make()
        else:
            self._later(wait)

    def _later(self, wait: float) -> None:
        if not self._waits:
            self._waits = True
            self.set_timer(wait, self._make)

    def _key(self, state: State) -> object:
        """All that the picture depends on. Steps inside a pass change its last row only."""
        shown = state.shown_pass
        ended = shown is not None and shown.ended is not None
        step = 0 if ended else state.cursor.step
        return (
            id(state.trace),
            state.trace.passes.begun,
            len(state.trace.findings),
            state.cursor.number,
            ended,
            step,
            passes.leaf_of(state, state.leaf),
            state.knobs,
            self.earlier,
            self.scrollable_content_region.size,
        )

    def _make(self) -> None:
        self._waits = False
        state = self._state
        if state is None or not self.display or not self.size.width:
            return
        history = self._history(state)
        rows = passes.rows_of(state, history, self.earlier, state.leaf, self.text_width, self.text_height)
        self.show(rows, f"passes · {state.trace.passes.begun:,}")
        self._made_of, self._made_at = self._key(state), time.monotonic()
        if not self._whole(state, history):
            self._made_of = None
            self._later(APART)

    def _history(self, state: State) -> Losses:
        if self._losses is None or self._losses[0] is not state.trace:
            self._losses = (state.trace, Losses(state.trace))
        return self._losses[1]

    def _whole(self, state: State, history: Losses) -> bool:
        """Has the leaf's past been read to its end? One call reads a part only."""
        found, node = history.at(state.cursor.number), passes.leaf_of(state, state.leaf)
        if found is None or node is None:
            return True
        return history.whole(found[0], history.leaf(found[0], node))
