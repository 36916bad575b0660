"""A headless run is streamed as it happens, and ended by signals as it should be."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from driving import children, group, only_child
from running import PATIENCE, PROGRAMS, Ended, gradtui


class Child:
    """A headless gradtui that is running."""

    def __init__(self, *argv: str, json: bool = True) -> None:
        *options, program = argv
        command = [sys.executable, "-m", "gradtui", "run", "--headless", *(["--json"] * json), "--no-twin"]
        self.process = subprocess.Popen(
            [
                *command,
                *options,
                *(str(PROGRAMS / part) if i == 0 else part for i, part in enumerate(program.split())),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )
        self.out = b""

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *exc: object) -> None:
        programs = children(self.process.pid)  # asked while gradtui is there to have any
        self.process.kill()
        for program in programs:
            with suppress(ProcessLookupError):
                os.killpg(program, signal.SIGKILL)
        self.process.communicate()

    @property
    def program(self) -> int:
        """The process of the program, which is the only child of gradtui's and leads a group."""
        return only_child(self.process.pid)

    def until(self, text: bytes) -> None:
        """Read until this has been printed."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + PATIENCE
        while text not in self.out:
            assert time.monotonic() < deadline
            if select.select([self.process.stdout], [], [], 0.2)[0]:
                self.out += os.read(self.process.stdout.fileno(), 1 << 16)

    def end(self) -> Ended:
        out, err = self.process.communicate(timeout=PATIENCE)
        return Ended(self.process.returncode, self.out + out, err)


started = Child


def gone(pid: int) -> None:
    """Wait until no process of that group is left."""
    deadline = time.monotonic() + PATIENCE
    while group(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_sigint_is_passed_on() -> None:
    with started("interrupted.py") as child:
        child.until(b'"pass": 2')  # past the print: the subject is the pass
        child.process.send_signal(signal.SIGINT)
        ended = child.end()
    assert ended.exit["error"].startswith("KeyboardInterrupt"), ended.printed("stderr")
    assert (ended.code, ended.exit["code"], ended.err) == (130, -2, b"")
    assert ended.printed("stderr").startswith("Traceback (most recent call last):\n")
    assert ended.printed("stderr").endswith("KeyboardInterrupt\n")
    assert "gradtui/probe" not in ended.printed("stderr")
    assert ended.printed("stdout") == "ready\nat exit\n"


def test_a_program_may_take_an_interrupt_as_it_likes() -> None:
    with started("interrupted.py politely") as child:
        child.until(b'"pass": 2')  # past the print: the subject is the pass
        child.process.send_signal(signal.SIGINT)
        ended = child.end()
    assert (ended.code, ended.exit["code"], ended.exit["error"]) == (5, 5, None)
    assert ended.printed("stdout") == "ready\ninterrupted\nat exit\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_leaves_no_process(number: signal.Signals) -> None:
    with started("loops.py") as child:
        child.until(b"looping")
        program = child.program
        child.process.send_signal(number)
        ended = child.end()
        gone(program)
    assert (ended.code, ended.exit["code"]) == (128 + number, -number)
    assert ended.exit["error"] == f"killed by signal {int(number)} ({number.name})"


def test_what_is_ignored_stays_ignored() -> None:
    """`nohup gradtui run --headless ...`"""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with started("loops.py") as child:
            child.until(b"looping")
            child.process.send_signal(signal.SIGHUP)
            child.process.send_signal(signal.SIGTERM)
            assert child.end().exit["code"] == -signal.SIGTERM
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("options", [("--json",), ()], ids=["json", "text"])
def test_a_reader_that_leaves_ends_the_run_quietly(options: tuple[str, ...]) -> None:
    with started("chains.py 10000 100", json=bool(options)) as child:
        child.until(b"\n")
        program = child.program
        assert child.process.stdout is not None
        child.process.stdout.close()
        assert child.process.stderr is not None
        err = child.process.stderr.read()
        assert (child.process.wait(PATIENCE), err) == (128 + signal.SIGPIPE, b"")
        gone(program)


def test_a_line_appears_when_its_step_happens() -> None:
    with started("waits.py") as child:
        child.until(b'"type": "step", "pass": 1, "step": 3')
        assert child.process.poll() is None
        child.process.terminate()
        assert child.end().exit["steps"] == 3


def test_a_killed_gradtui_leaves_what_it_had_recorded(tmp_path: Path) -> None:
    trace = tmp_path / "run.trace"
    with started("--out", str(trace), "loops.py") as child:
        child.until(b"looping")
        program = child.program
        child.process.kill()
        child.process.wait()
        os.kill(program, signal.SIGKILL)
        left = gradtui("open", "--headless", "--json", "--partial", trace)
        assert left.code == 0
        assert left.printed("stdout") == "looping\n"
        assert "truncated" in left.lines[-1]["message"]
