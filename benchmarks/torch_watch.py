"""What watching costs a PyTorch training step: CPU-time ratios of paired runs, one thread.

    python benchmarks/torch_watch.py [PAIRS]

The model is a 6-layer transformer of width 384, batch 2x128; a whole iteration is forward and backward.
The probe encodes its messages and drops them, so that only what runs inside the program is counted.
"""

from __future__ import annotations

import statistics
import sys
import time

import torch
from torch import nn

from gradtui.probe.probe import Probe
from gradtui.wire.channel import Closed
from gradtui.wire.codec import encode
from gradtui.wire.messages import Command, Event


class Dropped:
    """An outlet that encodes and forgets."""

    def __init__(self) -> None:
        self.bytes = 0

    def send(self, event: Event) -> None:
        """Count the bytes."""
        self.bytes += len(encode(event))

    def receive(self) -> Command:
        """Nobody commands."""
        raise Closed("nobody")

    def close(self) -> None:
        """Nothing to close."""


class Model(nn.Module):
    """Token embedding, encoder layers, head."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(1000, 384)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(384, 6, 1536, dropout=0.0, batch_first=True) for _ in range(6)
        )
        self.head = nn.Linear(384, 1000)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits of shape (batch, length, 1000)."""
        x = self.embed(tokens)
        for layer in self.layers:
            x = layer(x)
        logits: torch.Tensor = self.head(x)
        return logits


def iteration(model: Model, tokens: torch.Tensor) -> float:
    """CPU seconds of one forward and backward."""
    model.zero_grad()
    start = time.process_time()
    loss = nn.functional.cross_entropy(model(tokens).flatten(0, 1), tokens.flatten())
    loss.backward()
    return time.process_time() - start


def main() -> None:
    """Print the table."""
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model, tokens = Model(), torch.randint(0, 1000, (2, 128))
    for _ in range(2):
        iteration(model, tokens)
    for name, stats in (("norms (auto)", "auto"), ("all statistics (full)", "full")):
        ratios, outlet = [], Dropped()
        for _ in range(pairs):
            plain = iteration(model, tokens)
            with Probe(outlet, scan=False, stats=stats):  # type: ignore[arg-type]
                watched = iteration(model, tokens)
            ratios.append(watched / plain)
        size = outlet.bytes / pairs / 1024
        print(f"{name:24} {statistics.median(ratios):5.2f} x plain   {size:7.0f} KiB an iteration")


if __name__ == "__main__":
    main()
