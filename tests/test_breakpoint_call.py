"""`gradtui.breakpoint()`: the program stops at its next pass, in its own terminal, and is not harmed by it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from driving import only_child
from running import PROGRAMS, gradtui, plain, run
from tmux import Terminal
from torch import overrides

from gradtui.probe.holding import Holding
from gradtui.probe.probe import Probe
from gradtui.probe.pytorch.modes import lay, lift
from gradtui.probe.pytorch.private import engine_entry
from gradtui.probe.screen import ScreenChannel
from gradtui.session.session import Plan, Session
from gradtui.wire.channel import FrameReader, MemoryChannel, frame
from gradtui.wire.codec import decode_event, encode
from gradtui.wire.messages import Event, Go, Node, Notice, PassBegan, PassEnded, Stopped

in_terminal = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
SCALAR = f"{sys.executable} tests/programs/breaks_scalar.py"


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path, 80, 24)
    yield terminal
    terminal.close()


def at_prompt(screen: str) -> bool:
    return "▮▮" not in screen and screen.rstrip().endswith(("$", "#"))


def assert_in_order(terminal: Terminal) -> None:
    """The terminal echoes and edits lines."""
    terminal.type("stty -a | tr -s ' ;' '\\n' | grep -x -e echo -e icanon | sort | tr '\\n' '+'", "Enter")
    terminal.wait(lambda s: "echo+icanon+" in s)


# ------------------------------------------------------------- in a terminal


@in_terminal
def test_c_gives_the_terminal_back_until_the_next_call_and_q_for_good(terminal: Terminal) -> None:
    terminal.type(f"{SCALAR} 6 1 4 6; echo code $?", "Enter")
    terminal.wait(lambda s: "stopped at the first pass" in s)
    terminal.type("n")
    terminal.wait(lambda s: "step 1" in s.splitlines()[0])
    terminal.type("c")
    terminal.wait(lambda s: "pass 2/2" in s.splitlines()[0])
    terminal.wait(lambda s: "2 passes ran unwatched" in " ".join(re.findall(r"[\w.]+", s)))
    terminal.type("[", "[")  # what was seen before is still there
    terminal.wait(lambda s: "pass 1/2" in s.splitlines()[0])
    terminal.type("q")
    screen = terminal.wait(lambda s: "code 0" in s)
    assert re.findall(r"after pass (\d): ([\d.]+)", screen) == [(str(n), f"{3.0 * n}") for n in range(1, 7)]
    assert_in_order(terminal)


@in_terminal
def test_what_is_printed_meanwhile_is_held_and_comes_out_once(terminal: Terminal, tmp_path: Path) -> None:
    log = tmp_path / "log"
    terminal.type(f"{SCALAR} 4 2 | tee {log}; echo over", "Enter")
    terminal.wait(lambda s: "stopped at" in s)
    terminal.type("]")
    screen = terminal.wait(lambda s: "pass 2/2" in s.splitlines()[0] and "stopped" in s)
    assert "after pass" not in screen
    terminal.type("6")
    terminal.wait(lambda s: "after pass 2: 6.0" in s)
    terminal.type("]")
    terminal.wait(lambda s: "pass 3/3" in s.splitlines()[0] and "stopped" in s)
    terminal.type("]")  # to the end, where the screen stays
    terminal.wait(lambda s: "ran to its end" in s)
    terminal.type("q")
    terminal.wait(lambda s: "over" in s and at_prompt(s))
    assert log.read_text() == plain("breaks_scalar.py", 4).out.decode()


@in_terminal
@pytest.mark.parametrize("key", ["c", "q"])
def test_what_is_trained_is_what_is_trained_without(terminal: Terminal, key: str) -> None:
    terminal.type(f"{sys.executable} tests/programs/breaks_training.py 4 2", "Enter")
    terminal.wait(lambda s: "stopped at" in s)
    terminal.type("n", key)
    screen = terminal.wait(lambda s: "trained" in s and at_prompt(s))
    assert plain("breaks_training.py", 4).out.decode() in screen


@in_terminal
def test_a_debugger_that_is_killed_takes_nothing_with_it(terminal: Terminal, tmp_path: Path) -> None:
    terminal.type(f"{SCALAR} 3 2; echo code $?", "Enter")
    terminal.wait(lambda s: "stopped at" in s)
    os.kill(only_child(only_child(_pane(terminal))), signal.SIGKILL)
    screen = terminal.wait(lambda s: "code 0" in s)
    assert "killed by signal 9; the program goes on without it" in screen
    assert "the end" in screen
    assert_in_order(terminal)


@in_terminal
def test_a_program_that_is_killed_leaves_a_terminal_in_order(terminal: Terminal) -> None:
    terminal.type(f"{SCALAR} 3 2", "Enter")
    terminal.wait(lambda s: "stopped at" in s)
    os.kill(only_child(_pane(terminal)), signal.SIGKILL)
    terminal.wait(lambda s: "╭" not in s)  # nothing of ours is left that would take what is typed
    assert_in_order(terminal)


def _pane(terminal: Terminal) -> int:
    return int(terminal._tmux("list-panes", "-F", "#{pane_pid}"))


# ----------------------------------------------------------- without a terminal


def test_without_a_terminal_it_is_said_once_and_the_program_goes_on() -> None:
    alone = run(sys.executable, PROGRAMS / "breaks_scalar.py", 3, 1, 2, start_new_session=True)
    assert alone.error == "gradtui: breakpoint() does not stop the program: there is no terminal\n"
    assert alone.out == plain("breaks_scalar.py", 3).out


def test_the_built_in_breakpoint_can_be_ours() -> None:
    code = "breakpoint(); print('on')"
    environment = {**os.environ, "PYTHONBREAKPOINT": "gradtui.breakpoint"}
    done = run(sys.executable, "-c", code, start_new_session=True, env=environment)
    assert done.out == b"on\n"
    assert "there is no terminal" in done.error


def test_under_gradtui_headless_the_program_goes_on() -> None:
    done = gradtui("run", "--headless", "--no-twin", PROGRAMS / "breaks_scalar.py", 2, 1, 2)
    assert done.code == 0
    assert done.error.count("breakpoint() does not stop the program") == 1


def test_under_gradtui_it_stops_a_program_that_was_told_to_run_to_the_end() -> None:
    path = PROGRAMS / "breaks_scalar.py"
    session = Session(Plan(path, ("5", "2", "4"), stop=False, twin=False))
    stops = []
    try:
        while session.exited is None:
            stops += [event for event in session.pump(5) if isinstance(event, Stopped)]
            session.go("end")
    finally:
        session.close()
    assert [(stop.number, stop.step) for stop in stops] == [(2, 0), (4, 0)]
    assert session.exited.code == 0


# ----------------------------------------------------- the program's end of the stream


class Ended:
    """A debugger that has ended well."""

    def wait(self, _: float | None) -> int:
        return 0


class Other:
    """A channel and what stands at its other end."""

    def __init__(self) -> None:
        ours, self.socket = socket.socketpair()
        self.rested: list[bool] = []
        self.shown, self.terminal = os.openpty()
        self.channel = ScreenChannel(ours, self.terminal, Holding(), Ended(), self.rested.append)  # type: ignore[arg-type]

    def close(self) -> None:
        self.channel.close()
        self.socket.close()
        os.close(self.shown)
        os.close(self.terminal)

    def said(self) -> list[Event]:
        return [*map(decode_event, FrameReader().feed(self.socket.recv(1 << 16)))]


@pytest.fixture
def other() -> Iterator[Other]:
    other = Other()
    yield other
    other.close()


def began(*stacks: int | None) -> PassBegan:
    nodes = tuple(Node(i, "MulBackward0", (), False, stack=stack) for i, stack in enumerate(stacks, 1))
    return PassBegan(1, "torch", (1,), nodes)


@pytest.mark.parametrize(
    ("stacks", "told"),
    [((7, 7), None), ((7, None), "Part of this graph (1 nodes)"), ((None, None), "This graph")],
)
def test_a_graph_built_before_the_call_is_said_to_have_no_lines(
    other: Other, stacks: tuple[int | None, ...], told: str | None
) -> None:
    other.channel.send(began(*stacks))
    notices = [event.message for event in other.said() if isinstance(event, Notice)]
    assert [told] * bool(told) == [message.partition(" was built")[0] for message in notices]


def test_the_watching_rests_once_no_pass_is_under_way(other: Other) -> None:
    other.channel.send(began(7))
    other.channel.send(Stopped("entry", 1, 0))
    assert other.channel.shown
    other.socket.sendall(frame(encode(Go("end"))))
    assert other.channel.receive() == Go("end")
    assert not other.channel.shown
    assert other.rested == []
    other.channel.send(PassEnded(1))
    assert other.rested == [False]


def test_a_debugger_that_is_gone_ends_neither_the_pass_nor_the_program(other: Other) -> None:
    other.channel.send(began(7))
    other.channel.send(Stopped("entry", 1, 0))
    other.socket.close()
    assert other.channel.receive() == Go("end")
    assert not other.channel.waiting()
    other.channel.send(PassEnded(1))
    assert other.rested == [True]


class Killed:
    """A debugger that was killed."""

    def wait(self, _: float | None) -> int:
        return -9


def test_where_the_terminal_was_hung_up_what_is_printed_is_given_back() -> None:
    reads, writes = os.pipe()
    before = os.dup(1)
    os.dup2(writes, 1)
    ours, theirs = socket.socketpair()
    outer, terminal = os.openpty()
    try:
        channel = ScreenChannel(ours, terminal, Holding(), Killed(), lambda _: None)  # type: ignore[arg-type]
        channel._take()
        os.close(outer)
        theirs.close()
        assert channel.receive() == Go("end")
        assert os.path.sameopenfile(1, writes)
    finally:
        os.dup2(before, 1)
        for descriptor in (reads, writes, before, terminal):
            os.close(descriptor)


@in_terminal
def test_the_programs_next_file_gets_the_number_that_it_would_have_got(
    terminal: Terminal, tmp_path: Path
) -> None:
    program = tmp_path / "opens.py"
    program.write_text(
        "import sys, gradtui\nfrom gradtui.scalar import Value\n"
        "first = open(sys.argv[0]).fileno()\ngradtui.breakpoint()\n"
        "(Value(1.0) + 1).backward()\nprint('numbers', first, open(sys.argv[0]).fileno())\n"
    )
    terminal.type(f"{sys.executable} {program}", "Enter")
    terminal.wait(lambda s: "stopped at" in s)
    terminal.type("c")
    screen = terminal.wait(lambda s: "numbers" in s and at_prompt(s))
    assert "numbers 3 3" in screen


# -------------------------------------------------------------- nothing is left behind


class Through(overrides.TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


def modes() -> list[object]:
    return overrides._get_current_function_mode_stack()


@pytest.mark.parametrize("around", [Through, lambda: torch.device("meta"), torch.no_grad])
def test_a_mode_laid_inside_a_with_outlives_it_and_leaves_what_was(around: Callable[[], Any]) -> None:
    before, ours = modes(), Through()
    with around():
        lay(ours)
    assert modes() == [*before[:1], ours] if before else [ours]
    assert torch.ones(1).device.type == "cpu"
    assert lift(ours)
    assert modes() == before
    assert not lift(ours)


def test_the_default_device_can_be_changed_over_a_mode_of_ours() -> None:
    ours = Through()
    torch.set_default_device("cpu")
    lay(ours)
    torch.set_default_device(None)
    assert modes() == [ours]
    assert lift(ours)


def test_after_a_rest_within_a_pass_torch_is_as_it_was() -> None:
    entry, seen = engine_entry(), []

    def deliver(event: Event) -> None:
        seen.append(event)
        if isinstance(event, PassEnded):
            probe.rest(counting=False)

    linear = torch.nn.Linear(2, 1)
    probe = Probe(MemoryChannel(deliver))
    with probe:
        linear(torch.ones(3, 2)).sum().backward()
        assert engine_entry() is entry
        linear(torch.ones(3, 2))  # the first place where the mode can go
        assert modes() == []
        assert not torch.nn.modules.module._global_forward_pre_hooks
        linear(torch.ones(3, 2)).sum().backward()
        first = len(seen)
        probe.wake()
        linear(torch.ones(3, 2)).sum().backward()
    passes = [event for event in seen if isinstance(event, PassBegan)]
    assert [began.number for began in passes] == [1, 2]
    assert len(seen) > first
    leaves = [{node.name: node.id for node in began.nodes if node.leaf} for began in passes]
    assert leaves[0] == leaves[1]
