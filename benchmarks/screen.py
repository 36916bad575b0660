"""The screen over a large graph: building the tree, one step, one far jump; medians and 95th percentiles.

    python benchmarks/screen.py [NODES]

The graph is real: `gradtui.scalar` values, recorded in process, opened as a recording is.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

import gradtui
from gradtui.scalar import Value
from gradtui.trace import Trace
from gradtui.tui.app import DebuggerApp
from gradtui.views.tree import GraphTree


def recorded(nodes: int) -> Trace:
    """A pass over about `nodes` nodes: long chains that branch, with shared leaves."""
    with gradtui.record(twin=False) as trace:
        weights = [Value(0.001 * i) for i in range(100)]
        total = Value(0.0)
        for i in range(nodes // 3):
            total = total + weights[i % 100] * (0.5 + i % 7)
        total.backward()
    return trace


async def timed(action: Callable[[], Awaitable[object]], times: int) -> list[float]:
    """Milliseconds of each call."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        await action()
        taken.append((time.perf_counter() - start) * 1e3)
    return taken


async def measure(trace: Trace) -> None:
    """Drive the app at 160x48."""
    app = DebuggerApp.over_recording(trace, "large")
    start = time.perf_counter()
    async with app.run_test(size=(160, 48)) as pilot:
        await pilot.pause()
        print(f"{'open, first paint':28}{(time.perf_counter() - start) * 1e3:9.1f} ms")
        gc.freeze()
        nothing = ("a key without effect", "f12")  # what the test driver itself takes
        for name, keys in (nothing, ("step (n)", "n"), ("back (N)", "N"), ("select (down)", "down")):
            report(name, await timed(lambda keys=keys: pilot.press(keys), 60))

        async def jump() -> None:
            await pilot.press("g", *"60000", "enter")
            await pilot.press("g", *"10", "enter")

        report("two far jumps (16 keys)", await timed(jump, 6))


def report(name: str, taken: list[float]) -> None:
    """One line of the table."""
    taken.sort()
    p95 = taken[min(len(taken) - 1, int(len(taken) * 0.95))]
    print(f"{name:28}{statistics.median(taken):9.1f} ms   p95 {p95:7.1f} ms")


def main() -> None:
    """Print the table."""
    nodes = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    start = time.perf_counter()
    trace = recorded(nodes)
    print(f"{'record':28}{(time.perf_counter() - start) * 1e3:9.1f} ms")
    shown = trace.passes[0]
    start = time.perf_counter()
    tree = GraphTree(shown)
    print(f"{'build the tree':28}{(time.perf_counter() - start) * 1e3:9.1f} ms   {len(tree):,} rows")
    asyncio.run(measure(trace))


if __name__ == "__main__":
    main()
