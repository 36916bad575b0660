"""Loss curves over many passes: one incremental update, one paint; medians and 95th percentiles.

    python benchmarks/curves.py [PASSES]

The passes are real: a small fit with `gradtui.scalar`, recorded in process.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from itertools import islice

from screen import report

from gradtui.probe.probe import Probe
from gradtui.scalar import Value
from gradtui.trace import Trace
from gradtui.trace.cursor import Cursor
from gradtui.trace.history import Losses
from gradtui.views import passes
from gradtui.views.state import State
from gradtui.wire.channel import MemoryChannel
from gradtui.wire.messages import Event, PassBegan, PassEnded


def recorded(times: int) -> list[Event]:
    """A slope that is fitted to a target which moves, so that the curve has something to show."""
    events: list[Event] = []
    with Probe(MemoryChannel(events.append), scan=True, twin=False):
        w = Value(3.0)
        for i in range(times):
            w.grad = 0.0
            loss = (w - 0.001 * (i % 997)) ** 2
            loss.backward()
            w.data -= 0.01 * w.grad
    return events


def timed(action: Callable[[], object], times: int) -> list[float]:
    """Milliseconds of each call."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        taken.append((time.perf_counter() - start) * 1e3)
    return taken


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    start = time.perf_counter()
    events = recorded(count)
    print(f"{'record':28}{(time.perf_counter() - start) * 1e3:9.1f} ms   {count:,} passes")
    begun = (at for at, event in enumerate(events) if isinstance(event, PassBegan))
    held = events[next(islice(begun, count - 100, None)) :]
    trace = Trace.of(events[: -len(held)])
    history = Losses(trace)
    report("first look at all passes", timed(history.catch_up, 1))
    series = history.series[0]
    leaf = next(node for node in trace.passes[-1].nodes.values() if node.name == "w")
    slices = []
    while not slices or not history.whole(series, history.leaf(series, leaf)):
        slices += timed(lambda: history.leaf(series, leaf), 1)
    report("a leaf's past, a slice", slices)

    def update() -> None:
        ended = False
        while not ended:
            trace.fold(event := held.pop(0))
            ended = isinstance(event, PassEnded)
        history.catch_up()
        history.leaf(series, leaf)

    report("one more pass", timed(update, 100))
    state = State(trace, "fit.py", Cursor(count // 2, 1), selected=leaf.id)
    earlier = [series.curve("an earlier run")]
    for width, height in ((50, 12), (120, 40)):
        size = f"{width}x{height}"
        report(
            f"paint {size}",
            timed(lambda w=width, h=height: passes.rows_of(state, history, [], leaf, w, h), 30),
        )
        report(
            f"paint {size}, two runs",
            timed(lambda w=width, h=height: passes.rows_of(state, history, earlier, leaf, w, h), 30),
        )


if __name__ == "__main__":
    main()
