"""Breakpoints: how they are written, where they hold, and running over, out of and up to."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from driving import driven
from running import PROGRAMS, gradtui, headless
from tui import debugger, until

from gradtui.session import remembered
from gradtui.session.attached import AttachedRun
from gradtui.session.breakpoints import Breakpoints, parse
from gradtui.session.errors import BadInput
from gradtui.trace import Trace
from gradtui.trace.cursor import Cursor
from gradtui.trace.numbers import is_finite, magnitude, short
from gradtui.trace.stops import leave, leave_backwards, why
from gradtui.wire.messages import Breakpoint, Condition, Stepped, Stopped

NESTED = PROGRAMS / "nested_modules.py"


# --------------------------------------------------------------- how they are written


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("nonfinite", Breakpoint(1, "nonfinite", tests=(Condition("nonfinite"),))),
        ("module=fc1 norm>10", Breakpoint(1, "module=fc1 norm>10", module="fc1", tests=(Condition("norm", ">", 10.0),))),
        ("src/train.py:12 once", Breakpoint(1, "src/train.py:12 once", file="src/train.py", line=12, once=True)),
        ("pass=3 step=7 ignore=2", Breakpoint(1, "pass=3 step=7 ignore=2", number=3, step=7, ignore=2)),
        ("held name=*.weight", Breakpoint(1, "held name=*.weight", held=True, name="*.weight")),
        ("op=Mul* if g.max() > 1", Breakpoint(1, "op=Mul* if g.max() > 1", op="Mul*", expression="g.max() > 1")),
        ("op=Mul* log {op} got {g}", Breakpoint(1, "op=Mul* log {op} got {g}", op="Mul*", log="{op} got {g}")),
    ],
)  # fmt: skip
def test_what_a_text_means(text: str, point: Breakpoint) -> None:
    assert parse(text, 1) == point


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "nowhere to stop"),
        ("once", "nowhere to stop"),
        ("norm>abc", "'abc', which is no number"),
        ("fc1", "'fc1' is not understood"),
        ("pass=0", "a number from 1"),
        ("op=Mul* if g.max( >", "is no Python expression"),
        ("op=Mul* log {g", "does not compile"),
        ("if", "write a Python expression behind `if`"),
        ("module=fc1 norm > 10 once", "no spaces there: write norm>10$"),
        ("norm> 10", "no spaces there: write norm>10$"),
        ("norm >10", "no spaces there: write norm>10$"),
        ("once", "pass=, step=, or behind them if EXPRESSION$"),
    ],
)
def test_a_bad_one_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        parse(text)


def test_several_are_set_or_none() -> None:
    told: list[tuple[Breakpoint, ...]] = []
    breakpoints = Breakpoints(tell=told.append)
    with pytest.raises(BadInput):
        breakpoints.add_all(["nonfinite", "nonsense"])
    assert not breakpoints.points
    breakpoints.add_all(["nonfinite", "zero"])
    breakpoints.remove(1)
    assert breakpoints.add("held").id == 3  # a number is not given twice
    assert not breakpoints.toggle(2).enabled
    assert [[p.id for p in points] for points in told] == [[1, 2], [2], [2, 3], [2, 3]]


def test_a_bad_one_on_the_command_line_ends_nothing_and_says_why() -> None:
    ended = gradtui("run", "--headless", "--break", "norm>abc", NESTED)
    assert (ended.code, ended.out) == (2, b"")
    assert "no number" in ended.error


# ------------------------------------------------------------------- where they hold


def stops_of(text: str, passes: int = 2) -> tuple[list[Stopped], Trace]:
    """All stops of a breakpoint in a run, and the run."""
    with driven("nested_modules.py", str(passes), breakpoints=(parse(text, 1),)) as program:
        found: list[Stopped] = []
        while True:
            program.until(lambda: program.session.stopped or program.session.exited)
            stopped = program.session.stopped
            if stopped is None:
                return found, Trace.of(program.events)
            found.append(stopped)
            program.session.go("end")


def test_nonfinite_stops_where_it_begins() -> None:
    found, trace = stops_of("nonfinite", 3)
    first = found[0]
    assert first.number == 3
    step = trace.passes[2].messages[first.step - 1]
    assert all(map(is_finite, step.received))
    assert not all(is_finite(sent.value) for sent in step.sent if sent is not None)
    assert len(found) < 4  # not at every node below


@pytest.mark.parametrize(("module", "limit"), [("block", 0.4), ("last", 0.9), ("*", 1.0)])
def test_a_norm_is_compared_where_it_begins(module: str, limit: float) -> None:
    """As the whole recording tells: received above but from outside, or sent above but not received."""
    found, trace = stops_of(f"module={module} norm>{limit}")
    expected = []
    for pass_ in trace.passes:
        told: set[int] = set()
        for message in pass_.messages:
            node = pass_.nodes[message.node]
            inside = node.module is not None and (module == "*" or node.module.startswith(module))
            got = any((magnitude(v) or 0) > limit for v in message.received)
            sent = [s.to for s in message.sent if s is not None and (magnitude(s.value) or 0) > limit]
            if inside and got and node.id not in told:
                expected.append((pass_.number, message.step - 1))
            if inside and sent and not got:
                expected.append((pass_.number, message.step))
            if inside:
                told.update(sent)
    assert [(s.number, s.step) for s in found] == expected
    assert expected


def test_a_line_an_op_and_a_name() -> None:
    line = next(i for i, text in enumerate(NESTED.read_text().splitlines(), 1) if "self.block(h)" in text)
    found, trace = stops_of(f"nested_modules.py:{line} pass=2")
    assert found
    for stopped in found:
        assert stopped.next is not None
        node = trace.passes[1].nodes[stopped.next]
        assert any(frame.line == line for frame in trace.frames(node.stack))
    found, trace = stops_of("op=tanh*")
    assert [trace.passes[s.number - 1].nodes[s.next or 0].op for s in found] == ["TanhBackward0"] * 2
    found, trace = stops_of("name=last.bias once")
    assert [trace.passes[0].nodes[s.next or 0].name for s in found] == ["net.last.bias"]


@pytest.mark.parametrize("text", ["op=Tanh", "op=tanh", "op=Tan?"])
def test_an_op_is_known_by_the_name_that_the_graph_shows(text: str) -> None:
    found, trace = stops_of(text)
    assert [trace.passes[s.number - 1].nodes[s.next or 0].op for s in found] == ["TanhBackward0"] * 2


def test_the_variable_of_the_model_may_stand_in_front_of_a_module() -> None:
    where = [
        [(s.number, s.step) for s in stops_of(f"module={path}last")[0]] for path in ("", "net.", "other.")
    ]
    assert where[0] == where[1] != []
    assert where[2] == []


@pytest.mark.parametrize("light", [False, True])
def test_also_where_passes_without_a_hit_are_not_recorded(light: bool) -> None:
    points = (parse("module=net.last pass=2", 1),)
    with driven("nested_modules.py", "2", breakpoints=points, light=light) as program:
        assert program.stop().number == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("op=Tanj", "never held: no node of that op: did you mean TanhBackward0?"),
        ("op=Tanh if False", "never held"),
        ("op=Tanh ignore=9", "held no more than 9 times"),
        ("module=lasst", "never held: no node of that module: did you mean last?"),
        ("name=bia", "never held: no node of that name: did you mean net.block.0.bias?"),
        ("nosuch.py:3", "never held: no node was made by a file of that name"),
        ("nested_modules.py:3", "never held: no node was made on that line"),
        ("pass=3", "never held: there were 2 passes"),
    ],
)
def test_one_that_never_held_is_told_of_at_the_end(text: str, told: str) -> None:
    ended = headless("nested_modules.py", options=("--break", text, "--break", "op=Tanh"))
    assert [line["message"] for line in ended.of_type("notice")] == [f"breakpoint 1 ({text}) {told}"]
    assert ended.code == 0


def test_on_every_face_and_not_where_the_person_leaves() -> None:
    text = "notice: breakpoint 1 (op=Nowhere) never held"
    shown = gradtui("run", "--headless", "--no-twin", "--break", "op=Nowhere", NESTED).out.decode()
    assert [line for line in shown.splitlines() if "never held" in line] == [f"{text}: no node of that op"]
    said = gradtui("run", "--plain", "--break", "op=Nowhere", NESTED, stdin=b"q\n").out.decode()
    assert text in said
    said = gradtui(
        "run", "--plain", "--break", "op=Nowhere", "--break", "op=Tanh", NESTED, stdin=b"q\n"
    ).out.decode()
    assert "never held" not in said


def test_a_pass_stops_at_its_start_and_a_step_before_it_runs() -> None:
    assert [(s.number, s.step) for s in stops_of("pass=2")[0]] == [(2, 0)]
    assert [(s.number, s.step) for s in stops_of("pass=2 step=5")[0]] == [(2, 4)]
    assert [s.number for s in stops_of("step=5 ignore=2", 3)[0]] == [3]


def test_an_expression_is_evaluated_in_the_program() -> None:
    found, _ = stops_of("op=Tanh* if number == 2 and received[0].shape == (16, 8)")
    assert [s.number for s in found] == [2]
    found, trace = stops_of("op=Tanh* if sent[0].norm() > 0")
    assert [trace.passes[0].messages[s.step - 1].node for s in found[:1]] == [
        n.id for n in trace.passes[0].nodes.values() if n.op == "TanhBackward0"
    ]


def test_an_expression_that_raises_stops_once_and_says_so() -> None:
    found, _ = stops_of("op=Tanh* if recieved")
    assert len(found) == 1
    assert "NameError" in why(found[0])


def test_a_tracepoint_says_its_text_and_the_program_goes_on() -> None:
    ended = headless("nested_modules.py", options=("--break", "op=Tanh* log norm {g.norm():.3f} in {module}"))
    traced = ended.of_type("traced")
    steps = [line for line in ended.of_type("step") if line["op"] == "TanhBackward0"]
    assert [line["text"] for line in traced] == [
        f"norm {step['received'][0]['norm']:.3f} in {step['module']}" for step in steps
    ]
    assert [(line["pass"], line["step"]) for line in traced] == [(s["pass"], s["step"]) for s in steps]
    assert ended.of_type("stop") == []


def test_a_leaf_that_holds_a_gradient_stops_the_pass() -> None:
    with driven("holds_gradients.py", breakpoints=(parse("held", 1),)) as program:
        stopped = program.stop()
    assert stopped.step == 0
    assert stopped.number == 2


def test_it_stops_with_full_values_and_norms_before() -> None:
    with driven("nested_modules.py", "1", breakpoints=(parse("op=Tanh*", 1),)) as program:
        stopped = program.stop()
        assert stopped.received[0] is not None
        assert not isinstance(stopped.received[0], float)
        assert stopped.received[0].values is not None  # 128 entries, of which 64 are read while it runs
        steps = [event for event in program.events if isinstance(event, Stepped)]
        assert all(magnitude(value) is not None for step in steps for value in step.received)


def test_a_scalar_engine_has_them_too() -> None:
    points = (parse("op=+ if g > 0", 1),)
    with driven("trains_micrograd.py", breakpoints=points) as program:
        stopped = program.stop()
        assert stopped.next is not None
        assert Trace.of(program.events).passes[0].nodes[stopped.next].op == "+"
        assert (stopped.received[0] or 0) > 0  # type: ignore[operator]


@pytest.mark.parametrize("text", ["nonfinite", "op=Tanh* pass=3", "name=last.bias pass=3"])
def test_only_armed_it_records_from_the_pass_that_stops_on(text: str) -> None:
    """The passes before are there with their loss; of this one all is as in a whole recording."""
    with driven("nested_modules.py", "3", breakpoints=(parse(text, 1),), light=True) as program:
        stopped = program.stop()
        light = Trace.of(program.events)
    with driven("nested_modules.py", "3") as program:
        program.end()
        whole = Trace.of(program.events)
    assert [p.light for p in light.passes] == [True, True, False]
    assert str([p.root.value for p in light.passes]) == str([p.root.value for p in whole.passes])
    assert [p.root.name for p in light.passes] == [p.root.name for p in whole.passes]
    here, there = light.passes[2], whole.passes[2]
    assert [s.op for s in here.steps] == [s.op for s in there.steps[: stopped.step]]
    assert [s.name for s in here.steps] == [s.name for s in there.steps[: stopped.step]]
    norms = [[magnitude(v) for v in s.received] for s in here.steps]
    assert str(norms) == str([[magnitude(v) for v in s.received] for s in there.steps[: stopped.step]])


@pytest.mark.parametrize("text", ["op=Nowhere*", "module=nowhere", "nowhere.py:3", "step=1000"])
@pytest.mark.parametrize("fault", ["custom_raises.py", "inplace_relu.py"])
def test_where_no_breakpoint_can_hold_an_exception_still_has_its_node(text: str, fault: str) -> None:
    """Nothing is read there, and it says so; the order and the node at fault are as in a whole recording."""
    stops, passes = [], []
    for light in (True, False):
        with driven(f"faults/{fault}", breakpoints=(parse(text, 1),), light=light) as program:
            stops.append(program.stop())
            passes.append(Trace.of(program.events).passes[-1])
    assert [(s.reason, s.number, s.step, s.next) for s in stops] == [
        ("exception", stops[0].number, stops[0].step, stops[0].next)
    ] * 2
    here, there = passes
    assert [s.op for s in here.steps] == [s.op for s in there.steps]
    assert {short(value) for step in here.steps for value in step.received} == {"not read"}
    assert all(magnitude(value) is not None for step in there.steps for value in step.received)


# ------------------------------------------------------------------------- going on


def test_over_and_out_leave_the_module_live_and_in_the_trace() -> None:
    with driven("nested_modules.py", "1", stop=True) as program:
        program.stop()
        program.session.go("over")  # the loss lies in no module
        at = program.stop()
        trace = Trace.of(program.events)
        modules = [trace.passes[0].nodes[m.node].module for m in trace.passes[0].messages]
        assert set(modules) == {None}
        assert at.next is not None
        assert trace.passes[0].nodes[at.next].module == "last"
        program.session.go("over")
        inner = program.stop()
        program.session.go("out")
        program.end() if program.session.exited else program.stop()
        program.session.go("end")
        program.end()
    whole = Trace.of(program.events)
    assert leave(whole, Cursor(1, 0), False) == Cursor(1, at.step)
    assert leave(whole, Cursor(1, at.step), False) == Cursor(1, inner.step)
    assert leave_backwards(whole, Cursor(1, at.step), False) == Cursor(1, 0)


def test_the_program_runs_up_to_a_node() -> None:
    with driven("nested_modules.py", "1", stop=True) as program:
        program.stop()
        nodes = Trace.of(program.events).passes[0].nodes
        tanh = next(node.id for node in nodes.values() if node.op == "TanhBackward0")
        program.session.go("node", tanh)
        stopped = program.stop()
        assert (stopped.reason, stopped.next) == ("there", tanh)


def test_a_running_program_is_paused_and_given_breakpoints() -> None:
    with driven("trains_for_ever.py") as program:
        program.until(lambda: program.of(Stepped))
        program.session.pause()
        assert program.stop().reason == "pause"
        program.session.go("end")
        program.session.set_breakpoints((parse("op=Pow*", 7),))
        assert [hit.breakpoint for hit in program.stop().hits] == [7]


# --------------------------------------------------------------------- on the screen


async def test_one_is_set_hit_and_kept_for_the_next_run() -> None:
    async with debugger(NESTED) as (app, pilot):
        await pilot.press("b")
        app.prompt.typed.value = "op=Tanh*"
        await pilot.press("enter", "c")
        await until(pilot, lambda: app.state.stopped is not None and app.state.stopped.hits)
        assert app.state.next_node is not None
        shown = app.state.shown_pass
        assert shown is not None
        assert shown.nodes[app.state.next_node].op == "TanhBackward0"
        await pilot.press("r")
        await until(pilot, lambda: app.program is not None and app.program.stopped)
        assert app.program is not None
        assert [point.text for point in app.program.breakpoints.points] == ["op=Tanh*"]
    assert remembered.load(NESTED) == (["op=Tanh*"], [])


def test_what_is_kept_survives_a_file_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    remembered.save(NESTED, ["nonfinite"])
    assert remembered.load(NESTED) == (["nonfinite"], [])
    (tmp_path / "gradtui" / "breakpoints.json").write_text("{")
    assert remembered.load(NESTED) == ([], [])
    remembered.save(NESTED, ["zero"])
    assert remembered.load(NESTED) == (["zero"], [])


def test_one_that_is_no_longer_understood_is_left_out_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    remembered.save(NESTED, ["nonsense", "op=Tanh*"])
    done = gradtui("run", "--plain", "--no-twin", NESTED, stdin=b"break\nc\nq\n")
    assert done.error == ""
    said = done.out.decode()
    where = tmp_path / "gradtui" / "breakpoints.json"
    assert f"notice: a breakpoint kept in {where} is left out: breakpoint 'nonsense': " in said
    assert "breakpoint 1: op=Tanh*" in said


def test_nor_does_it_keep_a_program_of_ours_from_being_attached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    remembered.save(NESTED, ["nonsense", "op=Tanh*"])
    ours, theirs = socket.socketpair()
    run = AttachedRun(str(NESTED), ours.detach(), ())
    theirs.close()
    while run.session.exited is None:
        run.pump(1)
    assert [point.text for point in run.breakpoints.points] == ["op=Tanh*"]
    assert "nonsense" in run.trace.notices[0].message


async def test_the_screen_says_at_the_end_which_one_never_held() -> None:
    points = (parse("op=Nowhere", 1),)
    async with debugger(NESTED, argv=("1",), stop=False, breakpoints=points) as (app, pilot):
        await until(pilot, lambda: app._notifications)
        (said,) = [notification.message for notification in app._notifications]
        assert said.startswith("breakpoint 1 (op=Nowhere) never held")
