"""The plain face at a terminal: interrupts, requests to end, a reader that goes away."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from dialogue import written
from running import PATIENCE, PROGRAMS

WAITS = """\
import os, time
from gradtui.scalar import Value

(Value(1.0) + Value(2.0)).backward()
with open(PID, 'w') as file:
    file.write(str(os.getpid()))
time.sleep(1000)
"""


class Terminal:
    """gradtui as a child at a pseudo terminal of its own."""

    def __init__(self, *argv: object) -> None:
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "dumb"
            os.execv(sys.executable, [sys.executable, "-m", "gradtui", *map(str, argv)])
        self._seen = b""

    def until(self, text: str, press: str = "") -> str:
        """What is shown up to this text, which must come; while it does not, `press` is pressed again."""
        end, wanted = time.monotonic() + PATIENCE, text.encode()
        while wanted not in self._seen:
            assert time.monotonic() < end, self._seen
            if select.select([self._descriptor], [], [], 0.2)[0]:
                self._seen += os.read(self._descriptor, 1 << 16)
            elif press:
                self.type(press)
        at = self._seen.index(wanted) + len(wanted)
        shown, self._seen = self._seen[:at], self._seen[at:]
        return shown.decode()

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def end(self, number: int = 0) -> int:
        """Wait for its end; returns its exit code. `number`: of a signal that is sent, after a while again.

        Readline does not hear of one that comes between the prompt and its wait for a key.
        """
        end, again = time.monotonic() + PATIENCE, 0.0
        while time.monotonic() < end:
            if number and time.monotonic() > again:
                os.kill(self.pid, number)
                again = time.monotonic() + 3
            try:
                if select.select([self._descriptor], [], [], 0.2)[0]:
                    os.read(self._descriptor, 1 << 16)
            except OSError:  # Linux says so at the end of a terminal
                break
        os.close(self._descriptor)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_ctrl_c_while_the_program_runs_comes_back_to_the_prompt() -> None:
    terminal = Terminal("run", "--plain", "--no-twin", PROGRAMS / "waits.py")
    terminal.until("(gradtui) ")
    terminal.type("c\r")
    terminal.until("busy: the program runs")
    terminal.type("\x03")
    shown = terminal.until("(gradtui) ")
    assert "the program still runs: pass 1, step " in shown
    terminal.type("N\r")
    assert "\r\npass 1, step 2: " in terminal.until("(gradtui) ")
    terminal.type("half a line")
    terminal.until("half a line")  # echoed: the line editor is at work
    # Python's line editor sleeps through a signal that comes just before it waits for a key.
    terminal.until("(gradtui) ", press="\x03")
    terminal.type("where\r")
    assert "waits.py: pass 1, step 2" in terminal.until("(gradtui) ")
    terminal.type("\x04")
    assert terminal.end() == 0


def test_n_pauses_a_program_that_runs() -> None:
    terminal = Terminal("run", "--plain", "--no-twin", PROGRAMS / "trains_for_ever.py")
    terminal.until("(gradtui) ")
    terminal.type("c\r")
    terminal.until("busy: the program runs")
    terminal.type("\x03")
    assert "n pauses it, c waits for it" in terminal.until("(gradtui) ")
    terminal.type("]\r")
    assert "error: the program runs: n pauses it" in terminal.until("(gradtui) ")
    terminal.type("n\r")
    shown = terminal.until("(gradtui) ")
    assert "paused" in shown
    assert "next: " in shown
    terminal.type("n\r")
    assert "next: " in terminal.until("(gradtui) ")
    terminal.type("q\r")
    assert terminal.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_asked_to_end_it_ends_the_program(tmp_path: Path, number: signal.Signals) -> None:
    pid = tmp_path / "pid"
    terminal = Terminal("run", "--plain", "--no-twin", PROGRAMS / "tells_pid.py", pid)
    terminal.until("(gradtui) ")
    assert terminal.end(number) == 128 + number
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


@pytest.mark.parametrize("commands", [b"", b"n\nc\n"])
def test_an_interrupt_without_a_terminal_ends_it_all(tmp_path: Path, commands: bytes) -> None:
    pid = tmp_path / "pid"
    text = WAITS if commands else WAITS.replace(".backward()", "")
    program = written(tmp_path, "waiting.py", text.replace("PID", repr(str(pid))))
    with subprocess.Popen(
        [sys.executable, "-m", "gradtui", "run", "--plain", "--no-twin", program],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=tmp_path,
    ) as child:  # fmt: skip
        try:
            assert child.stdin is not None
            child.stdin.write(commands)
            child.stdin.flush()
            end = time.monotonic() + PATIENCE
            while not (pid.exists() and pid.read_text()):
                assert time.monotonic() < end
                time.sleep(0.02)
            child.send_signal(signal.SIGINT)
            assert child.wait(PATIENCE) == 128 + signal.SIGINT
        finally:
            child.terminate()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    command = (
        f"yes n | {sys.executable} -m gradtui run --plain --no-twin {PROGRAMS}/chains.py 3 3 | head -n 2"
    )
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=PATIENCE)
    assert (len(done.stdout.splitlines()), done.stderr) == (2, b"")
