"""Errors, the end of a program, running it again, and a recording, in the plain face."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from dialogue import OVERWRITES, TWO_PASSES, answers, dialogue, lines, written
from running import PATIENCE, PROGRAMS, gradtui

# ------------------------------------------------------------ errors and the end


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("se", "'se' may be select or set"),
        ("n x", "'x' is no count: write a number of steps, such as 5"),
        ("goto 99", "pass 1 has 0 steps so far"),
        ("goto", "to which step? goto 7, or goto 2:7 for step 7 of pass 2, or goto end"),
        ("set nope=1", "unknown knob 'nope': this program has no knobs"),
        ("set nope", "'nope' sets nothing: write set NAME=VALUE; `knobs` lists the names"),
        ("select", "select which node? a name, an op or a number; `graph` lists them"),
        ("N", "this is the very beginning"),
        ("C", "there is no stop before this"),
        ("hint", "no hint here"),
    ],
)
def test_an_error_is_one_line_and_all_goes_on(command: str, error: str) -> None:
    refused, after = answers("prints_between.py", command, "n")
    assert refused == [f"error: {error}"]
    assert after[0].startswith("pass 1, step 1: ")


def test_the_end_of_the_commands_ends_the_program(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    done = dialogue(PROGRAMS / "tells_pid.py", "n", argv=(pid,))
    assert (done.code, done.error) == (0, "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_the_exit_code_is_the_programs_once_it_has_ended() -> None:
    ended = dialogue(PROGRAMS / "exits.py", "c", argv=(3,))
    assert ended.code == 3
    assert "the program ended with exit code 3: 1 pass, 3 steps, no findings" in ended.out.decode()
    left = dialogue(PROGRAMS / "exits.py", "n", "q", "c", argv=(3,))
    assert left.code == 0
    assert b"leaving" not in left.out


def test_a_program_that_raises() -> None:
    done = dialogue(PROGRAMS / "raises_in_pass.py", "c", "n", "where")
    printed = done.out.decode().splitlines()
    assert done.code == 1
    assert "stderr | ArithmeticError: in the closure of '*'" in printed
    assert any(line.startswith("the program ended: ArithmeticError: in the") for line in printed)
    assert "error: the program has ended; N goes back, r runs it again" in printed


def test_a_program_without_a_pass() -> None:
    printed = lines("no_backward.py", "n", "graph", "list", "where")
    assert printed[1:3] == ["| 45", "the program ran to its end: 0 passes, 0 steps, no findings"]
    assert "error: there is no backward pass yet" in printed


def test_the_program_does_not_read_the_commands() -> None:
    done = dialogue(PROGRAMS / "reads_stdin.py", "n")
    assert done.code == 1
    assert "stderr | EOFError: EOF when reading a line" in done.out.decode()


def test_closed_standard_input_is_the_end_of_the_commands() -> None:
    command = f"exec {sys.executable} -m gradtui run --plain --no-twin {PROGRAMS}/prints_between.py <&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, b"")


# --------------------------------------------------------------------- run again


def test_an_edited_input_runs_again(tmp_path: Path) -> None:
    text = "from gradtui.scalar import Value\nx = Value(2.0)\n(x * x).backward()\nprint(x.grad)\n"
    name = written(tmp_path, "square.py", text)
    commands = ["knobs", "edit x=5.0", "c", "knobs", "edit y=1", "edit x", "r", "c"]
    printed = dialogue(name, *commands, cwd=tmp_path).out.decode().splitlines()
    assert [line for line in printed if line.startswith("| ")] == ["| 10.0", "| 10.0"]
    assert "input x=2.0" in printed
    assert "input x=2.0, now 5.0" in printed
    assert sum(line.startswith("error: ") for line in printed) == 2


def test_zero_at_the_start_of_a_pass(tmp_path: Path) -> None:
    name = written(tmp_path, "two.py", TWO_PASSES)
    printed = dialogue(name, "]", "zero", "n", "zero", "c", cwd=tmp_path).out.decode().splitlines()
    assert printed.count("note: w.grad already holds [2, 4] of pass 1") == 1  # and none once it is zeroed
    zeroed = printed.index("zeroed in the program: w")
    assert printed[zeroed + 1] == "pass 2, step 0: before the first step"
    assert "| pass 2 gave [2.0, 4.0]" in printed
    assert "error: the program zeroes at the start of a pass, where it stands: ] goes to the next" in printed


# ------------------------------------------------------------------- a recording


def test_a_recording_is_walked_like_the_run(tmp_path: Path) -> None:
    name = written(tmp_path, "overwrites.py", OVERWRITES)
    walk = ("g 1:0", "n", "n", "ledger a", "N", "leaves", "graph", "list b", "lesson", "hint", "f", "output")
    live = dialogue(name, "c", *walk, cwd=tmp_path, out="run.trace").out.decode()
    opened = gradtui("open", "--plain", "run.trace", stdin="\n".join(walk).encode(), cwd=tmp_path)
    assert (opened.code, opened.error) == (0, "")
    walked = opened.out.decode().splitlines()
    assert walked[0] == "run.trace: a recording of overwrites.py"
    assert len(walked) > 40
    start = walked.index("pass 1, step 0: before the first step", 2)
    assert live.endswith("\n".join(walked[start:]) + "\n")


def test_a_recording_runs_nothing(tmp_path: Path) -> None:
    name = written(tmp_path, "overwrites.py", OVERWRITES)
    dialogue(name, "c", cwd=tmp_path, out="run.trace")
    (tmp_path / "overwrites.py").unlink()
    script = b"r\nset repaired=on\nknobs\nzero\nedit a=1\ngoto end\nn\n"
    opened = gradtui("open", "--plain", "run.trace", stdin=script, cwd=tmp_path)
    printed = opened.out.decode().splitlines()
    assert printed.count("error: this is a recording: there is no program to run") == 5
    assert printed[-1] == "error: this is the end of the recording"
