"""The plain face: scripted dialogues over real programs, and what a person at a terminal sees."""

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
from running import PATIENCE, PROGRAMS, Ended, gradtui

from gradtui.plain.commands import COMMANDS

OVERWRITES = '''\
"""b = a + a, twice as wrong as it looks

Two contributions, one place.
"""

import gradtui

SCENARIO = {"hints": {"1:1": "Did the second add to the first?"}, "findings": ["overwritten-gradient"]}

repaired = gradtui.knob("repaired", False)


class Value:
    def __init__(self, data, _children=(), _op=""):
        self.data, self.grad = data, 0.0
        self._prev, self._op, self._backward = set(_children), _op, lambda: None

    def __add__(self, other):
        out = Value(self.data + other.data, (self, other), "+")

        def _backward():
            self.grad = self.grad + out.grad if repaired else out.grad
            other.grad = other.grad + out.grad if repaired else out.grad

        out._backward = _backward
        return out

    def backward(self):
        self.grad = 1.0
        self._backward()
        for child in self._prev:
            child._backward()


a = Value(3.0)
b = a + a
b.backward()
print("a.grad =", a.grad)
'''


TWO_PASSES = '''\
"""A tensor program of two passes."""

import torch

w = torch.tensor([1.0, 2.0], requires_grad=True)
for turn in (1, 2):
    loss = (w * w).sum()
    loss.backward()
    print("pass", turn, "gave", w.grad.tolist())
'''


WAITS = """\
import os, time
from gradtui.scalar import Value

(Value(1.0) + Value(2.0)).backward()
with open(PID, 'w') as file:
    file.write(str(os.getpid()))
time.sleep(1000)
"""


def dialogue(program: str | Path, *commands: str, argv: tuple[object, ...] = (), **more: object) -> Ended:
    """`gradtui run --plain PROGRAM` with these lines on its stdin."""
    script = "".join(line + "\n" for line in commands).encode()
    options = ("--out", more.pop("out")) if "out" in more else ()
    return gradtui("run", "--plain", "--no-twin", *options, program, *argv, stdin=script, **more)


def lines(program: str, *commands: str, argv: tuple[object, ...] = ()) -> list[str]:
    """What a dialogue over a program of tests/programs prints."""
    done = dialogue(PROGRAMS / program, *commands, argv=argv)
    assert done.error == ""
    return done.out.decode().splitlines()


def answers(program: str, *commands: str, argv: tuple[object, ...] = ()) -> list[list[str]]:
    """What each command prints: a command that there is not stands before each, and its error parts them."""
    printed = lines(program, *[part for command in commands for part in ("xyzzy", command)], argv=argv)
    parts: list[list[str]] = [[]]
    for line in printed:
        if line == "error: no command 'xyzzy'; help lists them":
            parts.append([])
        else:
            parts[-1].append(line)
    return parts[1:]


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return name


# ---------------------------------------------------------------- two whole dialogues


def test_a_dialogue_about_an_overwritten_gradient(tmp_path: Path) -> None:
    name = written(tmp_path, "overwrites.py", OVERWRITES)
    done = dialogue(name, "n", "ledger", "set repaired=on", "n", "ledger", "c", cwd=tmp_path)
    assert (done.code, done.error) == (0, "")
    assert done.out.decode() == GOLDEN_OVERWRITES


def test_a_dialogue_about_a_tensor_program(tmp_path: Path) -> None:
    name = written(tmp_path, "two.py", TWO_PASSES)
    done = dialogue(name, "# comment", "n", "", "print w", "]", "leaves", "c", "passes", cwd=tmp_path)
    assert (done.code, done.error) == (0, "")
    assert done.out.decode() == GOLDEN_TWO_PASSES


# ----------------------------------------------------------------------------- moving


def test_back_shows_what_forward_showed() -> None:
    there_and_back = answers("prints_between.py", "g 1:0", *["n"] * 4, *["N"] * 4)
    start, *forward = there_and_back[:5]
    assert len({tuple(shown) for shown in forward}) == 4
    assert [start, *forward[:3]] == there_and_back[5:][::-1]


def test_counts_and_empty_lines_are_the_same_steps() -> None:
    def shown(*commands: str) -> list[str]:
        return answers("chains.py", *commands, argv=(1, 5))[-1]

    one_by_one = shown("n", "n", "n")
    assert one_by_one[0].startswith("pass 1, step 3: ")
    assert shown("n 3") == one_by_one
    assert shown("step", "where", "", "") == one_by_one
    assert shown("n 3", "N 2", "n 2") == one_by_one


def test_passes_and_stops() -> None:
    moves = answers("prints_between.py", "]", "C", "c", "n", "[", "[", "[", "goto end", "g 2:1", "to a")
    assert [shown[0].partition(": ")[0] for shown in moves] == [
        "| after pass 1",
        "pass 1, step 0",
        "pass 2, step 0",
        "pass 2, step 1",
        "pass 2, step 0",
        "pass 1, step 0",
        "error",
        "pass 2, step 1",
        "pass 2, step 1",
        "error",
    ]
    assert moves[0][1:3] == ["ran on: 1 new pass, 4 steps", moves[2][0]]
    assert moves[6] == ["error: this is the very beginning"]
    assert moves[9] == ["error: this node has not run yet"]


def test_from_finding_to_finding(tmp_path: Path) -> None:
    name = written(tmp_path, "overwrites.py", OVERWRITES)
    printed = dialogue(name, "c", "g 1:0", "X", "x", "x", cwd=tmp_path).out.decode().splitlines()
    before, after = (printed.index(f"error: no finding {where} this") for where in ("before", "after"))
    assert printed[before + 1].startswith("pass 1, step 1: ")
    assert sum(line.startswith("finding: ") for line in printed[before:after]) == 1
    assert after == len(printed) - 1


def test_find_goes_to_steps_and_selects_nodes() -> None:
    found = answers("not_finite.py", "c", "g 1:0", "find nonfinite", "g 1:0", "/ *", "find nothere", "find")
    assert found[2][0].startswith("pass 1, step 1: ")
    assert found[4][0].startswith("node 1: y = nan, op *")
    assert found[5] == ["error: nothing in this graph is called 'nothere'"]
    assert found[6][0].startswith("error: find what?")


# ---------------------------------------------------------------------------- looking


def test_a_node_is_meant_by_its_name_its_op_or_its_number() -> None:
    by_name, by_op, by_number, by_hash, part = answers(
        "prints_between.py", "print a", "print *", "p 1", "p #1", "p nobody"
    )
    assert by_name[0] == "node 3: a = 2, leaf, waits"
    assert by_op[0].startswith("node 2: a*b = -6, op *, operands a and b") or "op *" in by_op[0]
    assert by_number == by_hash
    assert by_number[0].startswith("node 1: y = -4, op +")
    assert part == ["error: no node of pass 1 is called 'nobody'; `graph` lists them"]


def test_an_ambiguous_name_is_answered_with_numbers() -> None:
    ambiguous, chosen, selected, sender = answers("chains.py", "p +", "select 2", "p", "w", argv=(1, 3))
    assert ambiguous == ["error: '+' may be node 1 (y), node 2 (one + one): give the number"]
    assert chosen[0].startswith("node 2: ")
    assert selected[0] == chosen[0]
    assert sender[0].startswith("node 1: ")


def test_the_graph_is_told_in_words_and_in_parts() -> None:
    short, part, whole, wrong = answers(
        "chains.py", "graph", "graph 2-3", "graph all", "graph x", argv=(1, 30)
    )
    assert short[0] == "pass 1: 30 nodes from y down"
    assert short[1].endswith("runs next, received 1")
    assert short[-1] == "that was nodes 1 to 20 of 30; `graph all` or `graph 1-20` shows others"
    assert len(part) == 4
    assert part[1:3] == short[2:4]
    assert len(whole) == 31
    assert wrong == ["error: 'x' is no range: graph, graph all or graph 5-20"]


def test_the_source_around_a_node() -> None:
    (shown,) = answers("prints_between.py", "list y")
    assert shown[0].endswith("prints_between.py:8 made y")
    assert [line for line in shown if line.startswith(">")] == ["> 8     y = a * b + a"]


def test_what_the_program_printed_comes_in_order_and_again() -> None:
    printed = lines("prints_between.py", "c", "output", "q")
    first = [line for line in printed if line.startswith("| ")]
    said = ["| before", "| after pass 1: a.grad = -2.0", "| after pass 2: a.grad = -4.0"]
    assert first == said * 2
    assert printed.index("| before") < printed.index("pass 1, step 0: before the first step")


def test_no_line_moves_a_cursor_or_sets_a_colour(tmp_path: Path) -> None:
    name = written(tmp_path, "colours.py", r"print('\x1b[31mred\x1b[0m'); print('one\rtwo'); print('\x07')")
    done = dialogue(name, "output", cwd=tmp_path)
    printed = done.out.decode().splitlines()
    assert printed[1:4] == [r"| \x1b[31mred\x1b[0m", "| two", r"| \x07"]
    assert printed[-3:] == printed[1:4]


def test_lesson_hint_findings_and_notices(tmp_path: Path) -> None:
    name = written(tmp_path, "overwrites.py", OVERWRITES)
    done = dialogue(name, "lesson", "hint", "n", "hint", "f", "notices", cwd=tmp_path)
    printed = done.out.decode().splitlines()
    assert "Two contributions, one place." in printed
    assert "error: no hint here; the next is at 1:1" in printed
    assert printed.count("hint: Did the second add to the first?") == 2
    assert sum(line.startswith("finding: overwritten-gradient at pass 1, step 1: ") for line in printed) == 2
    assert printed[-1] == "no notices so far"


def test_help_and_the_documentation_have_every_command() -> None:
    text = (Path(__file__).parent.parent / "docs" / "plain.md").read_text(encoding="utf-8")
    helped, one = answers("prints_between.py", "help", "help ne")[:2]
    for command in COMMANDS:
        assert any(line.startswith(command.usage) for line in helped)
        for word in (*command.names, *command.letters):
            assert f"`{word}" in text, word
    assert one == ["error: 'ne' may be next or next-finding"]


# ------------------------------------------------------------------- errors and the end


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


# --------------------------------------------------------------------------- run again


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


# -------------------------------------------------------------------------- a recording


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


# --------------------------------------------------------------------------- a terminal


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

    def end(self) -> int:
        """Wait for its end; returns its exit code."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_asked_to_end_it_ends_the_program(tmp_path: Path, number: signal.Signals) -> None:
    pid = tmp_path / "pid"
    terminal = Terminal("run", "--plain", "--no-twin", PROGRAMS / "tells_pid.py", pid)
    terminal.until("(gradtui) ")
    os.kill(terminal.pid, number)
    assert terminal.end() == 128 + number
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


# ------------------------------------------------------------------------ golden texts

GOLDEN_OVERWRITES = """\
overwrites.py: b = a + a, twice as wrong as it looks
knobs: repaired=off (one of off, on)
pass 1, step 0: before the first step
the pass starts from b = 6
called at overwrites.py:37
next: node 1, op +: b
pass 1, step 1: node 1, op +: b = 6, made at overwrites.py:36
received ∂b/∂b = 1
sent
  ∂b/∂a = ∂b/∂b · 1 = 1 · 1 = 1
  ∂b/∂a = ∂b/∂b · 1 = 1 · 1 = 1
      a.grad: 1 was overwritten by 1
backward() set b.grad to 1, where the pass begins
next: node 2, leaf: a
finding: overwritten-gradient at pass 1, step 1: the backward of '+' (b) overwrote the gradient of a: it held 1 and was set to 1; accumulating (+=) gives 2
  at fault: overwrites.py:23
  node made: overwrites.py:36
hint: Did the second add to the first?
ledger of a: 2 of 2 contributions
  step 1: b set it to 1, sum 1
  step 1: b set it to 1, sum 1
    this overwrote 1; adding gives 2
pass 1, step 0: before the first step
the pass starts from b = 6
called at overwrites.py:37
next: node 1, op +: b
pass 1, step 1: node 1, op +: b = 6, made at overwrites.py:36
received ∂b/∂b = 1
sent
  ∂b/∂a += ∂b/∂b · 1 = 1 · 1 = 1
  ∂b/∂a += ∂b/∂b · 1 = 1 · 1 = 1
      a.grad: 1 + 1 = 2
backward() set b.grad to 1, where the pass begins
next: node 2, leaf: a
hint: Did the second add to the first?
ledger of a: 2 of 2 contributions
  step 1: b added 1, sum 1
  step 1: b added 1, sum 2
| a.grad = 2.0
the program ran to its end: 1 pass, 2 steps, no findings
ran on: 1 step
pass 1, step 2: node 2, leaf: a = 3, made at overwrites.py:35
a.grad: before 0 + added 2 = after 2
the pass is over
"""

GOLDEN_TWO_PASSES = """\
two.py: A tensor program of two passes.
pass 1, step 0: before the first step
the pass starts from loss = 5
called at two.py:8
next: node 1, op SumBackward0: loss
pass 1, step 1: node 1, op SumBackward0: loss = 5, made at two.py:7
received ∂loss/∂loss = 1
sent
  ∂loss/∂(w*w) += ∂loss/∂loss · 1 = [1, 1]
next: node 2, op MulBackward0: w*w
pass 1, step 2: node 2, op MulBackward0: w*w = [1, 4], made at two.py:7
received ∂loss/∂(w*w) = [1, 1]
sent
  ∂loss/∂w += ∂loss/∂(w*w) · w = [1, 2]
  ∂loss/∂w += ∂loss/∂(w*w) · w = [1, 2]
next: node 3, leaf: w
node 3: w = [1, 2], leaf, runs next, received [2, 4]
ledger of w: 2 of 2 contributions
  step 2: w*w added [1, 2], sum [1, 2]
  step 2: w*w added [1, 2], sum [2, 4]
| pass 1 gave [2.0, 4.0]
ran on: 1 new pass, 1 step
pass 2, step 0: before the first step
the pass starts from loss = 5
called at two.py:8
note: w.grad already holds [2, 4] of pass 1
  z zeroes them now, in the program
next: node 4, op SumBackward0: loss
w = [1, 2]: grad before [2, 4], added nothing yet, after [2, 4]
| pass 2 gave [4.0, 8.0]
the program ran to its end: 2 passes, 6 steps, no findings
ran on: 3 steps
pass 2, step 3: node 3, leaf: w = [1, 2]
w.grad: before [2, 4] + added [2, 4] = after [4, 8]
the pass is over
pass 1: from loss = 5, torch, 3 nodes, 3 steps
pass 2: from loss = 5, torch, 3 nodes, 3 steps, you are here
"""
