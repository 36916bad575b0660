"""A session starts a program, drives it step by step and ends it, whatever the program does."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest
from driving import Driven, driven
from running import PATIENCE

from gradtui.session import incoming
from gradtui.session.session import Plan, Session
from gradtui.trace import Trace
from gradtui.wire.messages import Exited, Hello, Notice, Output, PassBegan, PassEnded, Stepped
from gradtui.wire.recording import read_recording

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")


# ----------------------------------------------------------------------- driving


def test_step_by_step_through_two_passes() -> None:
    with driven("prints_between.py", stop=True) as run:
        first = run.stop()
        assert (first.reason, first.number, first.step) == ("entry", 1, 0)
        assert run.of(Stepped) == []
        began = run.of(PassBegan)[0]
        assert isinstance(began, PassBegan)
        assert first.next == began.roots[0]
        stops = [run.go("step") for _ in range(9)]
        assert stops == [("step", 1, n) for n in (1, 2, 3)] + [("pass end", 1, 4), ("pass", 2, 0)] + [
            ("step", 2, n) for n in (1, 2, 3)
        ] + [("pass end", 2, 4)]
        run.session.go("step")
        assert run.end() == Exited(0, 2, 8)


def test_nothing_runs_on_while_stopped() -> None:
    with driven("prints_between.py", stop=True) as run:
        run.stop()
        run.go("step")
        seen = len(run.events)
        assert run.session.pump(0.1) == []
        assert (len(run.events), len(run.of(Stepped))) == (seen, 1)


def test_pass_by_pass_and_to_the_end() -> None:
    with driven("chains.py", "5", "4", stop=True) as run:
        run.stop()
        assert run.go("pass") == ("pass", 2, 0)
        assert run.go("step") == ("step", 2, 1)
        assert run.go("pass") == ("pass", 3, 0)
        run.session.go("end")
        assert run.end() == Exited(0, 5, 20)
        assert run.session.stopped is None
        run.session.go("step")  # nobody is there any more: nothing happens
        assert run.session.pump() == []
        assert run.session.descriptors() == []


def test_output_stands_in_its_place_among_the_steps() -> None:
    with driven("prints_between.py", stop=True) as run:
        run.stop()
        assert run.printed == "before\n"
        assert run.go("pass") == ("pass", 2, 0)
        kinds = [type(e).__name__ for e in run.events if isinstance(e, (Output, PassBegan, PassEnded))]
        assert kinds == ["Output", "PassBegan", "PassEnded", "Output", "PassBegan"]
        assert run.printed == "before\nafter pass 1: a.grad = -2.0\n"


def test_a_restart_with_other_knobs_is_another_session() -> None:
    for knobs, said in (({}, "0.1 3\nFalse"), ({"rate": "0.5", "count": "2", "shout": "on"}, "0.5 2\nTrue")):
        with driven("has_knobs.py", knobs=knobs) as run:
            assert run.end().code == 0
            assert run.printed.startswith(said)


def test_a_run_and_the_trace_folded_from_it() -> None:
    with driven("prints_between.py") as run:
        assert run.end() == Exited(0, 2, 8)
        trace = Trace.of(run.events)
        assert [len(p.steps) for p in trace.passes] == [4, 4]
        assert {name: leaf.after for name, leaf in trace.passes[0].leaves.items()} == {"a": -2.0, "b": 2.0}
        assert isinstance(run.events[0], Hello)
        assert run.events[0].pid == run.session._process.pid


# ------------------------------------------------------------------------ ending


def test_killed_at_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradtui.session.session.GRACE", PATIENCE)
    with driven("prints_between.py", stop=True) as run:
        run.stop()
        run.session.kill()
        assert run.end() == Exited(-signal.SIGTERM, 1, 0, "ended by the debugger")


@pytest.mark.parametrize("argv", [(), ("deaf",)], ids=["looping", "deaf to SIGTERM"])
def test_killed_while_it_loops_for_ever(argv: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    if not argv:
        monkeypatch.setattr("gradtui.session.session.GRACE", PATIENCE)
    with driven("loops.py", *argv) as run:
        run.until(lambda: "looping" in run.printed)
        assert run.session.pump() == []
        assert run.session._process.poll() is None, "reading must not wait for the program"
        run.session.kill()
        assert run.end().code == -(signal.SIGKILL if argv else signal.SIGTERM)


def test_closing_ends_what_was_never_pumped() -> None:
    with driven("loops.py"):
        pass
    with driven("prints_between.py", stop=True) as run:
        run.session.close()
        assert run.session.exited is not None
        run.session.close()  # closing twice is closing
        run.session.kill()


def test_a_debugger_that_dies_takes_a_stopped_program_along() -> None:
    with driven("prints_between.py", stop=True) as run:
        run.stop()
        run.session._socket.shutdown(2)
        assert run.end().code != 0


def test_killing_takes_the_children_too() -> None:
    with driven("leaves_a_child.py", "talking") as run:
        run.until(lambda: "child" in run.printed)


@pytest.mark.parametrize("argv", [(), ("talking",)], ids=["silent", "talking"])
def test_a_child_that_lives_on_does_not_keep_us(argv: tuple[str, ...]) -> None:
    with driven("leaves_a_child.py", *argv) as run:
        run.until(lambda: run.session._process.poll() is not None, timeout=0.01)
        assert run.end() == Exited(0, 0, 0)
        assert [e.message for e in run.events if isinstance(e, Notice)] == [
            "the program left other processes running; those of its process group were ended with it"
        ]


def test_what_a_child_prints_last_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradtui.session.session.LINGER", PATIENCE)
    with driven("multiprocesses.py", "fork") as run:
        assert run.end().code == 0
        assert "worker 1.0\n" in run.printed
        assert run.of(Notice) == []


# ------------------------------------------------------------------------ faults


@pytest.mark.parametrize(
    ("how", "code", "error"),
    [
        ("exit", 7, "ended inside pass 1, without an exception"),
        ("segfault", -signal.SIGSEGV, "killed by signal 11 (SIGSEGV)"),
        ("SIGKILL", -signal.SIGKILL, "killed by signal 9 (SIGKILL)"),
        ("SIGUSR1", -signal.SIGUSR1, f"killed by signal {int(signal.SIGUSR1)} (SIGUSR1)"),
    ],
)
def test_a_program_that_dies_leaves_every_step_it_took(how: str, code: int, error: str) -> None:
    with driven("dies.py", how) as run:
        assert run.end() == Exited(code, 1, 2, error)
        assert [e.step for e in run.events if isinstance(e, Stepped)] == [1, 2]


def test_a_program_that_dies_while_stopped() -> None:
    with driven("prints_between.py", stop=True) as run:
        run.stop()
        run.go("step")
        os.kill(run.session._process.pid, signal.SIGKILL)
        assert run.end() == Exited(-9, 1, 1, "killed by signal 9 (SIGKILL)")
        assert run.session.stopped is None


def test_bytes_on_the_stream_that_are_not_ours_end_the_run(tmp_path: Path) -> None:
    program = tmp_path / "writes_garbage.py"
    program.write_text("import os, time\nos.write(200, b'\\xff' * 100)\ntime.sleep(60)\n")
    session = Session(Plan(program, stop=False, twin=False))
    run = Driven(session)
    assert run.end().code < 0
    assert any("stream broke off" in e.message for e in run.events if isinstance(e, Notice))


# ---------------------------------------------------------------------- quantity


def test_twenty_thousand_steps_arrive_each_one_in_order() -> None:
    with driven("chains.py", "20", "1000") as run:
        assert run.end() == Exited(0, 20, 20_000)
        steps = [(e.number, e.step) for e in run.events if isinstance(e, Stepped)]
        assert steps == [(p, s) for p in range(1, 21) for s in range(1, 1001)]


def test_nothing_is_lost_however_little_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "CHUNK", 50)
    with driven("chains.py", "2", "50") as run:
        run.until(lambda: run.session._process.poll() is not None, timeout=0.01)
        assert run.end() == Exited(0, 2, 100)
        assert run.printed == "50.0\n"


def test_megabytes_of_output_are_not_piled_up() -> None:
    """The program waits for us, not the other way round."""
    with driven("prints_for_ever.py") as run:
        trace, seen, before = Trace(), 0, 0
        while seen < 60_000_000:
            events = run.session.pump(0.2)
            for event in events:
                trace.fold(event)
            size = sum(len(event.text) for event in events if isinstance(event, Output))
            assert size < 1 << 20, "one read is bounded"
            seen += size
            if seen > 20_000_000 and not before:
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
        assert grown < 20_000_000
        assert trace.output.dropped > 0


# --------------------------------------------------------------------- recording


def test_the_recording_is_what_was_returned(tmp_path: Path) -> None:
    path = tmp_path / "run.trace"
    with driven("prints_between.py", stop=True, record=path) as run:
        run.stop()
        run.go("step")
        *there, notice = read_recording(path, partial=True)
        assert there == run.events, "what was returned is on disk, though the run is not over"
        assert isinstance(notice, Notice)
        run.session.go("end")
        run.end()
        assert list(read_recording(path)) == run.events


def test_the_recording_of_a_killed_run_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "run.trace"
    with driven("loops.py", record=path) as run:
        run.until(lambda: run.events)
    *_, last = read_recording(path)
    assert last == run.session.exited
