"""`gradtui check` of several scenarios at a time: their order, their progress, and what ends them all."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from running import PATIENCE, gradtui
from zoo import HANGS, alive, hanging_pid

# ------------------------------------------------------------- several at a time


def write_logging(folder: Path, name: str, order: int, meanwhile: str = "pass") -> None:
    """A scenario that says when it began and ended; `wait(condition)` is at hand meanwhile."""
    (folder / name).write_text(
        f"SCENARIO = {{'order': {order}}}\n"
        "import os, time\n"
        f"path = {str(folder / 'log')!r}\n"
        "def logged(text):\n"
        "    with open(path, 'a') as log:\n"
        "        print(text, file=log)\n"
        "def wait(condition):\n"
        f"    end = time.monotonic() + {PATIENCE / 2}\n"
        "    while not condition(open(path).read().split()):\n"
        "        assert time.monotonic() < end\n"
        "        time.sleep(0.01)\n"
        "def alive(pid):\n"
        "    try:\n"
        "        os.kill(int(pid), 0)\n"
        "    except ProcessLookupError:\n"
        "        return False\n"
        "    return True\n"
        f"logged('began')\n{meanwhile}\nlogged('ended')\n"
    )


def test_as_many_at_a_time_as_asked_for(tmp_path: Path) -> None:
    for number in range(3):
        write_logging(tmp_path, f"s{number}.py", number, "wait(lambda log: log.count('began') == 3)")
    assert gradtui("check", "--jobs", 3, ".", cwd=tmp_path).code == 0
    assert (tmp_path / "log").read_text().split() == ["began"] * 3 + ["ended"] * 3


def test_one_at_a_time(tmp_path: Path) -> None:
    for number in range(3):
        write_logging(tmp_path, f"s{number}.py", number, "time.sleep(0.3)")
    assert gradtui("check", "--jobs", 1, ".", cwd=tmp_path).code == 0
    assert (tmp_path / "log").read_text().split() == ["began", "ended"] * 3


def test_lines_come_in_the_order_of_the_list(tmp_path: Path) -> None:
    """Also where the first program ends after the second one has been buried."""
    gone = "wait(lambda log: log[-1].isdigit() and not alive(log[-1]))"
    write_logging(tmp_path, "slow.py", 1, f"wait(lambda log: log.count('ended') == 1)\n{gone}")
    both = "wait(lambda log: log.count('began') == 2)"
    write_logging(tmp_path, "fast.py", 2, f"{both}\nlogged('ended')\nlogged(os.getpid())\nraise SystemExit")
    ended = gradtui("check", "--json", "--jobs", "2", ".", cwd=tmp_path)
    assert [line["file"] for line in ended.of_type("scenario")] == ["slow.py", "fast.py"]
    assert ended.code == 0


def test_too_many_at_a_time_is_said(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"s{number}.py").write_text("import time\ntime.sleep(1000)\n")
    command = f"ulimit -n 60; exec {sys.executable} -m gradtui check --jobs 40 ."
    ended = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, timeout=PATIENCE)
    assert ended.returncode == 2
    assert re.match(rb"gradtui: cannot start .* beside \d+ others: .*--jobs", ended.stderr)
    assert b"Traceback" not in ended.stderr


# ----------------------------------------------------------------------- signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("as_json", [False, True])
def test_an_interrupt_ends_every_program_and_says_so(
    number: signal.Signals, as_json: bool, tmp_path: Path
) -> None:
    (tmp_path / "hangs.py").write_text(HANGS)
    command = [sys.executable, "-m", "gradtui", "check", "--junit", "r.xml", "hangs.py", "hangs.py"]
    (tmp_path / "never.py").write_text("")
    command += ["never.py", "--jobs", "1", *(["--json"] if as_json else [])]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    pid = hanging_pid(tmp_path)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (128 + number, b"")
    assert not alive(pid)
    if as_json:
        (last,) = map(json.loads, out.splitlines())
        assert (last["interrupted"], last["hold"], last["fail"], last["runs"]) == (True, 0, 0, 2)
    else:
        assert out.decode() == (
            "interrupted; ended while running: hangs.py\n2 scenarios, 2 runs: 2 not run to the end\n"
        )
    suite = ElementTree.parse(tmp_path / "r.xml").getroot()[0]
    assert [[child.tag for child in case] for case in suite] == [["skipped"], ["skipped"]]


def test_what_ended_before_an_interrupt_is_told(tmp_path: Path) -> None:
    """Also where it comes after a program that hangs."""
    (tmp_path / "hangs.py").write_text(HANGS)
    (tmp_path / "quick.py").write_text("")
    (tmp_path / "later.py").write_text(
        "import os, time\nwhile not os.path.exists('pid'): time.sleep(0.01)\nopen('done', 'w')\n"
    )
    command = [sys.executable, "-m", "gradtui", "check", "hangs.py", "quick.py", "later.py", "--jobs", "2"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE)
    hanging_pid(tmp_path)
    deadline = time.monotonic() + PATIENCE
    while not (tmp_path / "done").exists():  # quick.py has ended, or later.py would not have begun
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert out.startswith(b"ok    quick.py ")
    assert b"interrupted; ended while running: hangs.py" in out


def test_a_reader_that_leaves_ends_the_programs(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    (tmp_path / "hangs.py").write_text(HANGS)
    (tmp_path / "waits.py").write_text(
        "import os, time\nwhile not os.path.exists('gone'): time.sleep(0.01)\n"
    )
    command = [sys.executable, "-m", "gradtui", "check", "a.py", "waits.py", "hangs.py", "--jobs", "3"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"ok    a.py ")
    pid = hanging_pid(tmp_path)
    process.stdout.close()
    (tmp_path / "gone").touch()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(PATIENCE) == 128 + signal.SIGPIPE
    assert not alive(pid)


# -------------------------------------------------------------------- a terminal


def in_terminal(*argv: str, folder: Path, columns: int = 50, saw: Callable[[str], object] = len) -> str:
    """What `gradtui check` writes to a terminal; `saw` is called with what there is of it."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns), "LINES": "24"}
    command = [sys.executable, "-m", "gradtui", "check", *argv]
    process = subprocess.Popen(command, cwd=folder, stdout=theirs, env=env)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 1 << 16)
        except OSError:  # how a terminal on Linux says that nobody is left
            break
        if not piece:
            break
        shown += piece
        saw(shown.decode(errors="replace"))
    os.close(ours)
    assert process.wait(PATIENCE) == 0
    return shown.decode()


def test_progress_is_one_line_that_is_rewritten(tmp_path: Path) -> None:
    names = ["slow.py", "with_a_long_name_that_does_not_fit.py"]
    for order, name in enumerate(names):
        write_logging(tmp_path, name, order, f"wait(lambda log: 'saw-{order}' in log)")

    def saw(shown: str) -> None:
        with (tmp_path / "log").open("a") as log:
            for order, name in enumerate(names):
                if f"running: {name[:27]}" in shown:
                    print(f"saw-{order}", file=log)

    shown = in_terminal("--jobs", "1", ".", folder=tmp_path, saw=saw)
    assert "\r\x1b[K0 of 2 done, running: slow.py" in shown
    assert "\r\x1b[K1 of 2 done, running: with_a_long_name_that_does_\r\x1b[K" in shown
    left = [line.rpartition("\x1b[K")[2] for line in shown.replace("\r\n", "\n").split("\n")[:-1]]
    assert [line.partition("  (no backward pass was seen)")[0].rstrip() for line in left] == [
        "ok    slow.py",
        "ok    with_a_long_name_that_does_not_fit.py",
        "2 scenarios, 2 runs: all hold",
    ]


def test_json_on_a_terminal_has_no_progress(tmp_path: Path) -> None:
    write_logging(tmp_path, "slow.py", 1)
    shown = in_terminal("--json", ".", folder=tmp_path)
    assert all(json.loads(line) for line in shown.splitlines())
