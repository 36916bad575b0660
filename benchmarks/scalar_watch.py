"""What a scalar engine costs: ours against karpathy's micrograd, and each of them watched.

    python benchmarks/scalar_watch.py

One training step of an MLP (forward, backward, update). Prints its CPU time and the ratio to what
it is compared with: ours unwatched to micrograd unwatched, a watched step to the same step unwatched.
The fastest of a few rounds counts. *Watched* is what the program's own process pays under
`gradtui run`: another process reads what is sent. *Recorded* is `gradtui.record()`, where the one
process also decodes and folds it.
"""

from __future__ import annotations

import random
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import micrograd.engine
import micrograd.nn
import torch  # noqa: F401  its import shall not count as the twin's cost

import gradtui
import gradtui.scalar.engine
import gradtui.scalar.nn
from gradtui.probe.probe import Probe
from gradtui.wire.channel import Channel

ROUNDS = 12
ENGINES = {
    "micrograd": (micrograd.nn, micrograd.engine),
    "gradtui.scalar": (gradtui.scalar.nn, gradtui.scalar.engine),
}


def step_of(nn: Any, engine: Any) -> Callable[[], None]:
    """A training step of a 3-8-8-1 network over four rows: 974 nodes in the graph."""
    random.seed(1)
    model = nn.MLP(3, [8, 8, 1])
    rows = [[random.uniform(-1, 1) for _ in range(3)] for _ in range(4)]
    targets = [1.0, -1.0, -1.0, 1.0]

    def step() -> None:
        outs = [model([engine.Value(x) for x in row]) for row in rows]
        loss = sum((out - y) ** 2 for out, y in zip(outs, targets))
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= 0.01 * p.grad

    return step


@contextmanager
def watched(twin: bool) -> Iterator[None]:
    """The probe as a started program has it; what it sends is read elsewhere and thrown away."""
    ours, theirs = socket.socketpair()
    with subprocess.Popen(["cat"], stdin=ours, stdout=subprocess.DEVNULL) as reader:
        ours.close()
        channel = Channel(theirs.detach())
        with Probe(channel, scan=True, twin=twin):
            yield
        channel.close()
        reader.wait()


def seconds(name: str, watching: AbstractContextManager[Any]) -> float:
    """CPU seconds of the fastest step; the first, which learns names and lines, is left out."""
    taken = []
    with watching:
        step = step_of(*ENGINES[name])
        step()
        for _ in range(ROUNDS):
            start = time.process_time()
            step()
            taken.append(time.process_time() - start)
    return min(taken)


def row(name: str, watching: str, taken: float, base: float, goal: str) -> None:
    """Print one line of the table."""
    print(f"{name:<16}{watching:<24}{1000 * taken:>10.2f}{taken / base:>8.1f}{goal:>8}", flush=True)


def main() -> None:
    """Measure and print."""
    print(f"{'engine':<16}{'watching':<24}{'ms a step':>10}{'ratio':>8}{'goal':>8}")
    plain = {name: min(seconds(name, nullcontext()) for _ in range(3)) for name in ENGINES}
    row("micrograd", "no", plain["micrograd"], plain["micrograd"], "")
    row("gradtui.scalar", "no, against micrograd", plain["gradtui.scalar"], plain["micrograd"], "1.0")
    for name in ENGINES:
        for twin, words in ((False, "without twin"), (True, "with twin")):
            row(name, f"watched {words}", seconds(name, watched(twin)), plain[name], "3.0")
            row(name, f"recorded {words}", seconds(name, gradtui.record(twin=twin)), plain[name], "")


if __name__ == "__main__":
    main()
