"""How fast the screen is: its first paint, keys over a large graph and over a stream, running again.

    python benchmarks/screen.py [NODES]

Keys are timed from the event to the end of the last paint it causes, escape sequences included, at
160x48 with seven panes; the waits of the test driver are not in the numbers. Everything shown is
real: recordings of `gradtui.scalar` programs, and programs that run.
"""

from __future__ import annotations

import asyncio
import fcntl
import gc
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual import events
from textual._compositor import CompositorUpdate

from gradtui.session.programs import open_program
from gradtui.session.run import Run
from gradtui.session.session import Plan
from gradtui.trace import Trace
from gradtui.trace.cursor import Cursor
from gradtui.tui.app import DebuggerApp
from gradtui.views.shapes import CALLED, VIEWS, Shapes
from gradtui.wire.recording import read_recording

SIZE = (160, 48)
CHAINS = """
import sys
from gradtui.scalar import Value
weights = [Value(0.001 * i) for i in range(100)]
total = Value(0.0)
for i in range(int(sys.argv[1]) // 3):
    total = total + weights[i % 100] * (0.5 + i % 7)
total.backward()
"""
BLOCKS = """
import sys
import torch
from torch import nn
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(4), nn.Linear(4, 8), nn.Linear(8, 4)
    def forward(self, x):
        return x + self.down(self.up(self.norm(x)).relu())
class Net(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.blocks = nn.ModuleList([Block() for _ in range(blocks)])
    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x
net = Net(int(sys.argv[1]) // 15)
net(torch.ones(2, 4)).sum().backward()
"""
TRAINS = """
from gradtui.scalar import Value
w, b = Value(3.0), Value(1.0)
for turn in range(10_000):
    loss = (w * 2.0 + b) ** 2
    w.grad = b.grad = 0.0
    loss.backward()
    w.data -= 0.001 * w.grad
"""


class Timed(DebuggerApp):
    """Notes when it has painted."""

    painted = 0.0
    paints = 0

    def _display(self, screen: Any, renderable: Any) -> None:
        super()._display(screen, renderable)
        if isinstance(renderable, CompositorUpdate):
            renderable.render_segments(self.console)  # a headless driver would leave this out
            self.painted, self.paints = time.perf_counter(), self.paints + 1


async def press(app: Timed, key: str, character: str | None = None, quiet: float = 0.045) -> float:
    """Milliseconds from a key to the last paint that follows it closely."""
    before, start = app.paints, time.perf_counter()
    event = events.Key(key, character)
    event.set_sender(app)
    assert app._driver is not None
    app._driver.send_message(event)
    while app.paints == before and time.perf_counter() < start + 2:
        await asyncio.sleep(0)
    if quiet:
        while time.perf_counter() < app.painted + quiet:
            await asyncio.sleep(0.001)
    return (app.painted - start) * 1e3


async def large(file: Path) -> None:
    """Keys over a graph of many nodes."""
    start = time.perf_counter()
    trace = Trace.of(read_recording(file))
    print(f"{'read and fold':34}{(time.perf_counter() - start) * 1e3:9.1f} ms")
    app = Timed.over_recording(trace, "large")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(0.3)
        gc.freeze()  # as the app does in a terminal
        app.move_to(Cursor(1, len(trace.passes[0].messages) // 2))
        await pilot.pause(0.3)
        for name, key in (("step (n)", "n"), ("back (N)", "N"), ("select", "down"), ("page", "pagedown")):
            report(name, [await press(app, key) for _ in range(60)])
        far = []
        for i in range(20):
            before, start = app.paints, time.perf_counter()
            app.move_to(Cursor(1, 10 if i % 2 else len(trace.passes[0].messages) - 10))
            while app.paints == before:
                await asyncio.sleep(0)
            far.append((app.painted - start) * 1e3)
            await asyncio.sleep(0.05)
        report("far jump", far)
        for key, name in (("9", "passes"), ("0", "nearby")):
            await press(app, key)
            report(f"step, {name} shown", [await press(app, "n") for _ in range(30)])


async def by_module(file: Path) -> None:
    """The views of a graph with modules, and keys in each."""
    trace = Trace.of(read_recording(file))
    shown = trace.passes[0]
    print(f"{f'a net of {len(shown.nodes):,} nodes':34}")
    for view in VIEWS:
        shapes, start = Shapes(), time.perf_counter()
        shapes.chosen = view
        shapes.shape_of(shown)
        print(f"{f'  rows made: {CALLED[view]}':34}{(time.perf_counter() - start) * 1e3:9.1f} ms")
    app = Timed.over_recording(trace, "net")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(0.3)
        gc.freeze()
        app.move_to(Cursor(1, len(shown.messages) // 2))
        await pilot.pause(0.3)
        for turn in range(len(VIEWS)):
            if turn:
                await press(app, "v")
            report(
                f"  step, {CALLED[app.debugger.graph.shapes.view_of(shown)]}",
                [await press(app, "n") for _ in range(40)],
            )
        await press(app, "minus")
        report("  step, norms shown", [await press(app, "n") for _ in range(30)])


async def streaming(program: Path) -> None:
    """Keys while a program trains, and the way to the first stop of the next run."""
    opened = open_program(str(program))
    run = Run(opened, Plan(opened.path, twin=False))
    app = Timed.over_run(run)
    try:
        async with app.run_test(size=SIZE) as pilot:
            await until(lambda: app.state.stopped is not None)
            await press(app, "9")
            await pilot.press("c")
            taken = []
            while run.session.exited is None:
                # `1` and `9` open panes: what they do is seen at once, whatever streams in
                taken.append(await press(app, "down" if len(taken) % 2 else "up", quiet=0))
                await asyncio.sleep(0.02)
            steps = sum(len(p.messages) for p in run.trace.passes)
            report(f"key while {steps:,} steps come", taken)
    finally:
        run.close()


async def again(program: Path) -> None:
    """From a changed number to the first stop of the next run, with torch's twin."""
    opened = open_program(str(program))
    run = Run(opened, Plan(opened.path))
    app = Timed.over_run(run)
    try:
        async with app.run_test(size=SIZE):
            await until(lambda: app.state.stopped is not None)
            for name, number in (("cold", "2.5"), ("warm", "3.5")):
                if name == "warm":
                    run.prepare()
                    await asyncio.sleep(4)
                old, start = run.trace, time.perf_counter()
                app._edit("x1", number)
                await until(lambda old=old: app.state.trace is not old and app.state.stopped is not None)
                taken = (time.perf_counter() - start) * 1e3
                print(f"{f'another number, {name}: first stop':34}{taken:9.1f} ms")
    finally:
        run.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait."""
    while not condition():
        await asyncio.sleep(0.002)


def first_paint(file: Path) -> None:
    """From the start of `gradtui open FILE` to the status line in a terminal."""
    taken, torch = [], False
    for _ in range(9):
        start = time.perf_counter()
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
            os.execv(sys.executable, [sys.executable, "-m", "gradtui", "open", str(file)])
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
        data = b""
        while b"recording" not in data and b"step" not in data and time.perf_counter() < start + 20:
            if select.select([terminal], [], [], 0.5)[0]:
                data += os.read(terminal, 65536)
        taken.append((time.perf_counter() - start) * 1e3)
        torch = torch or "libtorch" in Path(f"/proc/{pid}/maps").read_text()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
    size = f"{file.stat().st_size / 1e6:.1f} MB"
    report(f"first paint, {size}{', TORCH LOADED' if torch else ''}", taken[1:])


def report(name: str, taken: list[float]) -> None:
    """One line of the table."""
    taken.sort()
    p95 = taken[min(len(taken) - 1, int(len(taken) * 0.95))]
    print(f"{name:34}{statistics.median(taken):9.1f} ms   p95 {p95:7.1f} ms")


def recorded(program: Path, *arguments: str) -> Path:
    """A recording of a program."""
    file = program.with_suffix(".gradtui")
    command = ["-m", "gradtui", "run", "--headless", "--no-twin", "--out", str(file), str(program)]
    pid = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, *command, *arguments])
    os.waitpid(pid, 0)
    return file


def main() -> None:
    """Print the table."""
    os.environ.setdefault("COLORTERM", "truecolor")
    nodes = sys.argv[1] if len(sys.argv) > 1 else "100000"
    with tempfile.TemporaryDirectory() as folder:
        chains, trains, blocks = (Path(folder) / f"{name}.py" for name in ("chains", "trains", "blocks"))
        chains.write_text(CHAINS)
        blocks.write_text(BLOCKS)
        trains.write_text(TRAINS)
        sys.stdout.flush()
        with open(os.devnull, "wb") as nowhere:
            kept = os.dup(1)
            os.dup2(nowhere.fileno(), 1)
            small = recorded(chains, "300").rename(Path(folder) / "small.gradtui")
            big, net = recorded(chains, nodes), recorded(blocks, nodes)
            os.dup2(kept, 1)
        for file in (small, big, net):
            first_paint(file)
        asyncio.run(large(big))
        asyncio.run(by_module(net))
        asyncio.run(streaming(trains))
        asyncio.run(again(Path(__file__).parent.parent / "scenarios" / "neuron.py"))


if __name__ == "__main__":
    main()
