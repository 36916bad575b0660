"""What watching costs a PyTorch training step: CPU-time ratios of paired runs, one thread.

    python benchmarks/torch_watch.py [PAIRS] [small]

The model is a 6-layer transformer of width 384, batch 2x128; an iteration is forward and backward. The
probe encodes its messages and drops them, so that only what runs inside the program is counted. Each
watched iteration is the second under its probe: what is told once (files, stacks, names) is not in it.
Beside it torch's own `detect_anomaly`, and TorchLens (one forward, activations saved) where it is installed.
With `small` the graph is the same and its tensors are small: what remains is the Python that runs for each
operation and node.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from gradtui.probe.probe import Probe
from gradtui.session.breakpoints import parse
from gradtui.wire.channel import Closed
from gradtui.wire.codec import encode
from gradtui.wire.messages import Break, Command, Event


class Dropped:
    """An outlet that encodes and forgets; `commands` are given at the first pass."""

    def __init__(self, *commands: Command) -> None:
        self.bytes = 0
        self._commands = list(commands)

    def send(self, event: Event) -> None:
        """Count the bytes."""
        self.bytes += len(encode(event))

    def waiting(self) -> bool:
        """Is there a command left?"""
        return bool(self._commands)

    def receive(self) -> Command:
        """The next command."""
        if not self._commands:
            raise Closed("nobody")
        return self._commands.pop(0)

    def close(self) -> None:
        """Nothing to close."""


class Model(nn.Module):
    """Token embedding, encoder layers, head."""

    def __init__(self, width: int, words: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, width)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 6, 4 * width, dropout=0.0, batch_first=True) for _ in range(6)
        )
        self.head = nn.Linear(width, words)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits of shape (batch, length, words)."""
        x = self.embed(tokens)
        for layer in self.layers:
            x = layer(x)
        logits: torch.Tensor = self.head(x)
        return logits


def iteration(model: Model, tokens: torch.Tensor) -> float:
    """CPU seconds of one forward and backward."""
    model.zero_grad()
    gc.collect()
    start = time.process_time()
    loss = nn.functional.cross_entropy(model(tokens).flatten(0, 1), tokens.flatten())
    loss.backward()
    return time.process_time() - start


@contextmanager
def watched(outlet: Dropped, full: bool = False, light: bool = False) -> Iterator[None]:
    """Under the probe."""
    probe = Probe(outlet, scan=False, stats="full" if full else "auto")
    if light:
        probe.reporter.stops.keep_light()
    with probe:
        yield


def armed(where: str) -> Dropped:
    """An outlet through which a breakpoint is set."""
    return Dropped(Break((parse(where, 1),)))


def torchlens(model: Model, tokens: torch.Tensor) -> float | None:
    """CPU seconds of one forward under TorchLens; None where it is not installed."""
    try:
        from torchlens import trace
    except ImportError:
        return None
    trace(model, tokens)
    start = time.process_time()
    trace(model, tokens)
    return time.process_time() - start


def main() -> None:
    """Print the table."""
    small = "small" in sys.argv[1:]
    pairs = next((int(word) for word in sys.argv[1:] if word.isdigit()), 12)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    words = 100 if small else 1000
    model = Model(96 if small else 384, words)
    tokens = torch.randint(0, words, (2, 8 if small else 128))
    for _ in range(2):
        iteration(model, tokens)
    count = Dropped()
    ways: dict[str, Callable[[], object]] = {
        "armed: nonfinite": lambda: watched(armed("nonfinite"), light=True),
        "armed: norm>1e9": lambda: watched(armed("norm>1e9"), light=True),
        "armed: op=Softmax*": lambda: watched(armed("op=Softmax*"), light=True),
        "recorded (lines, modules, norms)": lambda: watched(count),
        "recorded in full (--stats full)": lambda: watched(Dropped(), full=True),
        "torch's detect_anomaly": lambda: torch.autograd.set_detect_anomaly(True, check_nan=True),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    plain: list[float] = []
    for _ in range(pairs):
        plain.append(iteration(model, tokens))
        for name, way in ways.items():
            with way():  # type: ignore[attr-defined]
                iteration(model, tokens)
                times[name].append(iteration(model, tokens))
    for name, taken in times.items():
        ratios = [a / b for a, b in zip(taken, plain)]
        print(f"{name:34} {statistics.median(ratios):6.3f} x plain")
    other = torchlens(model, tokens)
    if other is not None:
        print(f"{'TorchLens, its forward alone':34} {other / statistics.median(plain):6.1f} x plain")
    print(f"a recorded iteration sends {count.bytes / pairs / 2 / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
