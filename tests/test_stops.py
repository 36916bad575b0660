"""Where the program stands: what may be asked there, what ends a stop, and that nobody is left waiting."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest
from driving import driven

from gradtui.session.breakpoints import parse
from gradtui.trace import Trace
from gradtui.trace.cursor import edge
from gradtui.views.rows import text_of
from gradtui.views.state import State
from gradtui.views.status import condition
from gradtui.wire.messages import Hit, Inspect, Inspected, Notice, Pause, Stopped, Traced, Watched

PASSES = """\
import torch

w = torch.ones(3, requires_grad=True)
for turn in range(5):
    (w * turn).exp().sum().backward()
"""
HANDLES = """\
import signal, torch

class Late(Exception): pass

def late(*_): raise Late()

signal.signal(signal.SIGUSR1, late)
w = torch.ones(3, requires_grad=True)
try:
    (w * 2).sum().backward()
except Late:
    print("late")
input()
"""
EXIT = "__import__('sys').exit()"
RAISES = "(_ for _ in ()).throw(type('Odd', (Exception,), {'__str__': lambda s: 1 / 0}))"


def written(folder: Path, text: str) -> str:
    path = folder / "program.py"
    path.write_text(text)
    return path


def test_a_pause_that_comes_while_the_program_stands_stops_it_no_second_time(tmp_path: Path) -> None:
    with driven(written(tmp_path, PASSES), stop=True) as run:
        run.stop()
        run.session._command(Pause())  # the screen had not seen the stop yet
        run.session.go("end")
        assert run.end().code == 0
        assert len(run.of(Stopped)) == 1


def test_one_pause_is_sent_until_the_program_has_stopped() -> None:
    with driven("trains_for_ever.py", stop=True) as run:
        run.stop()
        run.session.go("end")
        sent = []
        command = run.session._command
        run.session._command = lambda c: (sent.append(c), command(c))[1]  # type: ignore[method-assign]
        run.session.pause()
        run.session.pause()
        assert run.stop().reason == "pause"
        run.session.go("end")
        run.session.pause()
        assert run.stop().reason == "pause"
        assert [type(c).__name__ for c in sent] == ["Pause", "Go", "Pause"]


@pytest.mark.parametrize(("expression", "told"), [(EXIT, "SystemExit"), (RAISES, "Odd")])
def test_nothing_that_an_expression_raises_ends_the_program(
    expression: str, told: str, tmp_path: Path
) -> None:
    points = (parse(f"op=Mul* if {expression}", 1), parse(f"op=Exp* log at {{{expression}}}", 2))
    path = written(tmp_path, PASSES)
    with driven(path, stop=True, breakpoints=points, watches=(expression,)) as run:
        run.stop()
        run.session.ask(Inspect(1, 0, expression))
        run.until(lambda: run.of(Inspected))
        run.go("end")
        run.session.go("end")
        assert run.end().code == 0
        (seen,) = run.of(Inspected)
        assert isinstance(seen, Inspected)
        assert seen.error == told
        watched = run.of(Watched)[0]
        assert isinstance(watched, Watched)
        assert watched.values[0].error == told
        hits = [hit for stop in run.of(Stopped) if isinstance(stop, Stopped) for hit in stop.hits]
        assert hits == [Hit(1, 1, points[0].text, told)]
        assert [e.text for e in run.of(Traced)] == [f"at {{{expression}}} ({told})"] * 5  # type: ignore[attr-defined]


@pytest.mark.parametrize("expression", ["__import__('signal').raise_signal(2)", "deal()"])
def test_what_a_signal_handler_raises_is_the_programs(expression: str, tmp_path: Path) -> None:
    """The expression stands for a signal that comes from without."""
    text = HANDLES.replace("w = ", "deal = lambda: signal.raise_signal(signal.SIGUSR1)\nw = ", 1)
    with driven(written(tmp_path, text), breakpoints=(parse("op=Sum*", 1),)) as run:
        run.stop()
        run.session.ask(Inspect(1, 0, expression))
        run.until(lambda: run.session.exited)
        assert run.of(Inspected) == []
        assert run.session.exited is not None
        assert "late" in run.printed or "KeyboardInterrupt" in (run.session.exited.error or "")


def test_a_stop_that_a_signal_handler_ends_is_told(tmp_path: Path) -> None:
    points = (parse("op=Sum*", 1),)
    with driven(written(tmp_path, HANDLES), breakpoints=points, stdin="terminal") as run:
        run.stop()
        run.session.signal(signal.SIGUSR1)
        run.until(lambda: "late" in run.printed)
        assert run.session.stopped is None
        assert not run.session.ask(Inspect(1, 0, "1"))
        left = [e.message for e in run.of(Notice) if isinstance(e, Notice) and e.left]
        assert left == ["the program has left its stop: Late"]
        run.session.type("\n")
        assert run.end().code == 0


def test_commands_wait_where_the_program_has_no_room_for_them(tmp_path: Path) -> None:
    """A program that reads nothing, and is sent more than its socket takes, keeps nobody waiting."""
    path = written(tmp_path, "input()\n" + PASSES)
    with driven(path, stop=True, stdin="terminal") as run:
        run.session._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        text = "op=Exp* if True" + " " * 5000
        points = tuple([parse("op=None*", i) for i in range(1, 400)])
        for _ in range(20):
            run.session.set_breakpoints((*points, parse(text + "or 1", 400)))
        assert run.session._unsent
        run.session.type("\n")
        run.stop()
        assert run.go("end")[:2] == ("breakpoint", 1)
        assert not run.session._unsent


def test_the_end_of_a_pass_that_an_exception_ended_says_so() -> None:
    said = []
    with driven("faults/custom_raises.py", stop=True) as run:
        stop = run.stop()
        while stop.reason != "exception":
            run.session.go("end")
            stop = run.stop()
        run.session.go("step")
        stop = run.stop()
        trace = Trace.of(run.events)
        said.append(text_of([condition(State(trace, "", edge(trace), stopped=stop))]))
    assert stop.reason == "pass end"
    assert said == ["▮▮ stopped: the exception has ended the pass"]


ROOT_AT_ZERO = """
import torch

w = torch.ones(3, requires_grad=True)
h = ((w * 1.0) - 1).sqrt()
(h * 2).sum().backward()
"""


@pytest.mark.parametrize("typed", [False, True])
def test_behind_a_step_that_a_breakpoint_waited_for_a_step_is_one_on(typed: bool, tmp_path: Path) -> None:
    (tmp_path / "zero.py").write_text(ROOT_AT_ZERO)
    points = (parse("nonfinite", 1),)
    plan: dict[str, object] = {} if typed else {"breakpoints": points, "attended": True}
    with driven(str(tmp_path / "zero.py"), stop=typed, **plan) as run:
        run.stop()
        if typed:
            run.session.set_breakpoints(points)
            assert run.go("end") == ("breakpoint", 1, 3)
        assert [run.go("step")[1:] for _ in range(2)] == [(1, 4), (1, 5)]
