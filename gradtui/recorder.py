"""`gradtui.record()`: watch the passes of this very process, in a test, a notebook or a script."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from gradtui.probe.names import overlook
from gradtui.probe.probe import Probe
from gradtui.trace import Trace
from gradtui.wire.channel import MemoryChannel

overlook(Trace)


@contextmanager
def record(
    *, stats: Literal["auto", "full"] = "auto", twin: bool = True, keep: int | None = None
) -> Iterator[Trace]:
    """Record every backward pass inside the `with` block.

        with gradtui.record() as trace:
            loss.backward()
        assert trace.passes[0].leaves["w"].after == 0.5
        assert not trace.findings

    The trace grows while the block runs and can be read at any time. `stats="full"` reads
    statistics of large tensors too; `twin=False` builds no torch graph beside scalar graphs.
    `keep`: bytes for the passes, packed; older ones are let go, but for their losses and a line for each
    parameter (`trace.lines`). By default all passes are kept.
    Torch graphs made before the block have no forward lines. Nothing stays hooked afterwards,
    also when the block raises; the exception goes through. A recording inside another, or in a
    program under `gradtui run`, sees what it would see alone, and so does the one around it; those
    of several threads must end in turn, the last one first.
    """
    trace = Trace(keep)
    with Probe(MemoryChannel(trace.fold), scan=True, stats=stats, twin=twin):
        yield trace
