"""Runs the programs of tests/programs in a child: plainly, and under gradtui."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).parent / "programs"
PATIENCE = 120
"""Seconds after which a child is hung; nothing here takes a tenth of it."""


@dataclass(frozen=True)
class Ended:
    """A child that has ended."""

    code: int
    out: bytes
    err: bytes

    @property
    def error(self) -> str:
        return self.err.decode()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its stdout as JSON lines."""
        return [json.loads(line) for line in self.out.decode("ascii").splitlines()]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["type"] == kind]

    def printed(self, stream: str) -> str:
        """What the program printed, by the JSON lines."""
        return "".join(line["text"] for line in self.of_type("output") if line["stream"] == stream)

    @property
    def exit(self) -> dict[str, Any]:
        """The exit line, which is the last."""
        last = self.lines[-1]
        assert last["type"] == "exit"
        return last


def run(*command: object, stdin: bytes = b"", **options: Any) -> Ended:
    done = subprocess.run(
        [str(part) for part in command], input=stdin, capture_output=True, timeout=PATIENCE, **options
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def plain(program: str | Path, *argv: object, **options: Any) -> Ended:
    """`python PROGRAM ARGS`."""
    return run(sys.executable, PROGRAMS / program, *argv, **options)


def gradtui(*argv: object, **options: Any) -> Ended:
    """`gradtui ARGS`."""
    return run(sys.executable, "-m", "gradtui", *argv, **options)


def headless(
    program: str | Path, *argv: object, twin: bool = False, options: tuple[object, ...] = (), **more: Any
) -> Ended:
    """`gradtui run --headless --json OPTIONS PROGRAM ARGS`."""
    flags = () if twin else ("--no-twin",)
    return gradtui("run", "--headless", "--json", *flags, *options, PROGRAMS / program, *argv, **more)


def loaded(code: str, *argv: object) -> set[str]:
    """The modules that a fresh interpreter has loaded after this."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{code}\nimport sys\nprint(*sys.modules, sep='\\n', file=sys.stderr)",
            *map(str, argv),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    return set(done.stderr.split())
