"""Memory of long runs, and whether every message of one arrives.

    python benchmarks/keep.py [SIZE ...]     (the default: 512MB; sizes as of --keep)

A small net is trained for real, 200 passes of it; these are then told again and again as later passes,
so that 100,000 of them take a minute. Each line of the table is a process of its own; *beside nothing
kept* is its largest resident size less that of one that folds 200 passes. The last part runs a program of
10,000 passes and counts what came.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import msgspec

from gradtui.trace import Trace
from gradtui.trace.keep import KEEP, parse_size, size_text
from gradtui.trace.model import Pass
from gradtui.wire.codec import decode_event, encode
from gradtui.wire.messages import Event, PassBegan, PassEnded, Stepped

SMALL = """\
import sys, torch
torch.manual_seed(0)
torch.set_num_threads(1)
net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
x = torch.randn(16, 2)
for _ in range(int(sys.argv[1])):
    loss = ((net(x) - x[:, :1] * x[:, 1:]) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
REAL = 200
COUNTS = (10_000, 100_000)
STREAMED = 10_000


def streamed(passes: int) -> Iterator[Event]:
    """What the small net's training sends."""
    from gradtui.session.session import Plan, Session

    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "small.py"
        program.write_text(SMALL)
        session = Session(Plan(program, (str(passes),), stop=False))
        try:
            while session.exited is None:
                yield from session.pump(timeout=0.05)
        finally:
            session.close()


def repeated(events: list[bytes], passes: int) -> Iterator[Event]:
    """The same passes over and over, renumbered; decoded anew, as they would come."""
    head = [
        event for event in map(decode_event, events) if not isinstance(event, PassBegan | Stepped | PassEnded)
    ]
    yield from head
    body = [data for data in events if isinstance(decode_event(data), PassBegan | Stepped | PassEnded)]
    for lap in count():
        if lap * REAL >= passes:
            return
        for data in body:
            event = decode_event(data)
            assert isinstance(event, PassBegan | Stepped | PassEnded)
            yield msgspec.structs.replace(event, number=event.number + lap * REAL)


class Whole(Trace):
    """A trace that keeps every pass unpacked: what `--keep` and packing are measured against."""

    def __init__(self) -> None:
        super().__init__()
        self.unpacked: list[Pass] = []

    def _begin(self, pass_: Pass) -> list[object]:  # type: ignore[override]
        self.unpacked.append(pass_)
        return super()._begin(pass_)  # type: ignore[return-value]


def child(how: str, passes: int, path: Path) -> None:
    """One line of the table: in a process of its own."""
    events = msgspec.msgpack.decode(path.read_bytes(), type=list[bytes])
    trace = Whole() if how == "whole" else Trace(None if how == "packed" else parse_size(how))
    began = time.process_time()
    for event in repeated(events, passes):
        trace.fold(event)
    took = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        msgspec.json.encode((peak, took, len(trace.passes), trace.passes.bytes, trace.lines.bytes)).decode()
    )


def measured(how: str, passes: int, path: Path) -> tuple[int, float, int, int, int]:
    """What a child of that kind says."""
    told = subprocess.run(
        [sys.executable, __file__, "--child", how, str(passes), str(path)], check=True, capture_output=True
    )
    found: tuple[int, float, int, int, int] = msgspec.json.decode(
        told.stdout, type=tuple[int, float, int, int, int]
    )
    return found


def memory(sizes: list[str], path: Path) -> None:
    """The table."""
    nothing = measured("packed", REAL, path)[0]
    titles = f"{'kept':>10}{'passes':>10}{'to travel in':>14}{'beside':>10}{'packed':>10}"
    print(f"{titles}{'lines':>10}{'CPU a pass':>12}")
    plain = None
    for how, passes in [("whole", COUNTS[0]), *((how, n) for n in COUNTS for how in ("packed", *sizes))]:
        peak, took, kept, packed, lines = measured(how, passes, path)
        plain = plain or took / passes
        texts = (size_text(peak - nothing), size_text(packed), size_text(lines))
        ratio = took / passes / plain
        print(
            f"{how:>10}{passes:>10,}{kept:>14,}{texts[0]:>10}{texts[1]:>10}{texts[2]:>10}{ratio:>11.2f}x",
            flush=True,
        )


def main() -> None:
    """Print the table, then whether all came."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "passes"
        path.write_bytes(msgspec.msgpack.encode([encode(event) for event in islice(streamed(REAL), None)]))
        memory(sys.argv[1:] or [size_text(KEEP)], path)
    trace = Trace(parse_size("64MB"))
    steps = 0
    for event in streamed(STREAMED):
        trace.fold(event)
        steps += isinstance(event, Stepped)
    assert trace.exited is not None
    sent = trace.exited.passes, trace.exited.steps
    whole = trace.lines.steps.count(12) == STREAMED == trace.passes.begun
    print(f"\nstreamed: {trace.passes.begun:,} passes, {steps:,} steps; the program counted {sent}")
    print(f"each of the {STREAMED:,} passes has its 12 steps: {whole}")
    sys.exit(not whole)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
    else:
        main()
