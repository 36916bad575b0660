"""What watching a scalar engine costs: one training step of an MLP over karpathy's micrograd and over ours.

    python benchmarks/scalar_watch.py

Prints CPU time of a step (forward, backward, update) and its ratio to the unwatched one; the
fastest of a few rounds.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import micrograd.engine
import micrograd.nn
import torch  # noqa: F401  its import shall not count as the twin's cost

import gradtui
import gradtui.scalar.engine
import gradtui.scalar.nn

ROUNDS = 8


def step_of(nn: Any, engine: Any) -> Callable[[], None]:
    """A training step of a 3-8-8-1 network over four rows: about 1,700 nodes."""
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


def seconds(nn: Any, engine: Any, watching: AbstractContextManager[Any]) -> float:
    """CPU seconds of the fastest step; the first, which learns names and lines, is left out."""
    taken = []
    with watching:
        step = step_of(nn, engine)
        step()
        for _ in range(ROUNDS):
            start = time.process_time()
            step()
            taken.append(time.process_time() - start)
    return min(taken)


def main() -> None:
    """Measure and print."""
    print(f"{'engine':<16}{'watching':<14}{'ms a step':>10}{'ratio':>8}")
    for nn, engine in ((micrograd.nn, micrograd.engine), (gradtui.scalar.nn, gradtui.scalar.engine)):
        base = seconds(nn, engine, nullcontext())
        for name, watching in (
            ("no", nullcontext()),
            ("without twin", gradtui.record(twin=False)),
            ("with twin", gradtui.record()),
        ):
            taken = base if name == "no" else seconds(nn, engine, watching)
            print(f"{engine.__name__.split('.')[0]:<16}{name:<14}{1000 * taken:>10.2f}{taken / base:>8.1f}")


if __name__ == "__main__":
    main()
