"""What a position tells: which node failed, which runs next, what a breakpoint met, which of several `x`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from driving import driven
from running import PROGRAMS
from test_outline import blocks, drawn

import gradtui
from gradtui.session.breakpoints import parse
from gradtui.trace import Trace
from gradtui.trace.chainrule import terms
from gradtui.trace.cursor import Cursor, edge
from gradtui.views import order, step, timeline
from gradtui.views.graph import FAILED, state_of
from gradtui.views.outline import Outline
from gradtui.views.rows import text_of
from gradtui.views.state import State
from gradtui.views.status import where
from gradtui.wire.messages import PassEnded, Stepped

RAISES = PROGRAMS / "faults" / "custom_raises.py"
TWO = """\
import torch

w = torch.tensor([3.0, 4.0], requires_grad=True)
h = w * 3
(h * h).sum().backward()
"""
LEAVES_LAST = """\
import torch

a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
(a * b).sum().backward()
"""


def state(trace: Trace, **more: object) -> State:
    return State(trace, "program.py", cursor=edge(trace), **more)  # type: ignore[arg-type]


def failed() -> Trace:
    with gradtui.record() as trace:
        x = torch.ones(3, requires_grad=True)
        y = x.exp()
        z = y.sin()
        y.add_(1)
        with pytest.raises(RuntimeError, match="modified by an inplace"):
            z.sum().backward()
    return trace


def test_the_node_in_which_a_pass_failed_is_marked_in_every_view() -> None:
    trace = failed()
    shown = trace.passes[0]
    assert shown.ended is not None
    (op,) = [node.op for node in shown.nodes.values() if node.id == shown.ended.failed]
    assert op == "SinBackward0"
    here = state(trace)
    assert here.node_here == shown.ended.failed
    assert state_of(here, shown.ended.failed or 0) == (FAILED, "bad")
    rows = text_of([timeline.row_of(here, order.Order(shown), at, 70) for at in range(len(shown.nodes))])
    assert [line.split()[0] for line in rows.splitlines() if "Sin" in line] == [FAILED]
    assert text_of([step.following(here)]).startswith(f"{FAILED} failed: SinBackward0")
    assert "step 1/4" in text_of([where(here)])
    before = State(trace, "program.py", cursor=Cursor(1, 0))
    assert before.failed_node is None


def test_a_folded_module_bears_the_mark_of_the_node_that_failed_in_it() -> None:
    events = blocks(4)
    at = next(i for i, event in enumerate(events) if isinstance(event, Stepped) and event.step == 9)
    stepped = events[at]
    assert isinstance(stepped, Stepped)
    trace = Trace.of([*events[:at], PassEnded(1, "RuntimeError: no", failed=stepped.node)])
    shown = Outline(trace.passes[0])
    rows = drawn(trace, shown, 8).splitlines()
    assert [row.split()[2] for row in rows if row.startswith(FAILED)] == ["h[0..3]"]
    assert not any(row.startswith(FAILED) for row in drawn(trace, shown, 7).splitlines())


def test_a_pass_that_was_interrupted_blames_no_node() -> None:
    def interrupt(_: torch.Tensor) -> None:
        raise KeyboardInterrupt

    with gradtui.record() as trace:
        x = torch.ones(3, requires_grad=True)
        x.register_hook(interrupt)
        with pytest.raises(KeyboardInterrupt):
            (x * 2).sum().backward()
    assert trace.passes[0].ended is not None
    assert trace.passes[0].ended.error
    assert trace.passes[0].ended.failed is None


def test_at_an_exception_the_node_that_failed_is_told_before_the_pass_has_ended() -> None:
    with driven(str(RAISES), breakpoints=(parse("pass=7", 1),)) as run:
        stop = run.stop()
        assert stop.reason == "exception"
        here = state(Trace.of(run.events), stopped=stop)
        assert here.failed_node == stop.next == here.node_here
        assert "failed: ClipBackward" in text_of([step.following(here)])


@pytest.mark.parametrize(("text", "known"), [(TWO, True), (LEAVES_LAST, False)])
def test_behind_a_step_the_next_node_is_told_where_torch_ranks_it(
    text: str, known: bool, tmp_path: Path
) -> None:
    path = tmp_path / "program.py"
    path.write_text(text)
    with driven(str(path), breakpoints=(parse("op=Mul* once if sent", 1),)) as run:
        stop = run.stop()
        assert stop.next is None
        assert (stop.then is not None) == known
        run.session.go("end")
        run.end()
    if known:
        assert Trace.of(run.events).passes[0].messages[stop.step].node == stop.then


def test_a_stop_tells_which_gradient_met_the_test(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(TWO)
    with driven(str(path), breakpoints=(parse("norm>10", 1),)) as run:
        stop = run.stop()
        here = state(Trace.of(run.events), stopped=stop)
        assert "● norm>10: h was sent [9, 12]" in text_of(step.rows_of(here, 80))


def test_nodes_of_one_name_are_told_apart_and_no_others() -> None:
    class Block(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = torch.nn.Linear(2, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = x + self.fc(x)
            return x

    net = torch.nn.Sequential(Block(), Block())
    with gradtui.record() as trace:
        loss = net(torch.ones(1, 2)).sum()
        loss.backward()
    shown = trace.passes[0]
    same = [node for node in shown.nodes.values() if node.name == "x"]
    assert [shown.symbol(node) for node in same] == [f"x#{node.id}" for node in same]
    assert [shown.label(node) for node in same] == [f"x#{node.id} in {node.module}" for node in same]
    assert shown.symbol(shown.root) == "loss"
    assert all(shown.symbol(node) == node.name for node in shown.nodes.values() if node.leaf)
    tautology = [
        term.symbols
        for at in range(len(shown.messages))
        for term in terms(shown, shown.steps[at])
        if len(set(term.symbols.partition(" · ")[0].split(" += "))) == 1
    ]
    assert tautology == []


def test_at_the_step_itself_a_finding_gives_its_reason_alone() -> None:
    with gradtui.record() as trace:
        w = torch.ones(6, requires_grad=True)
        (w - 1).sqrt().sum().backward()
    (finding,) = trace.findings
    here = State(trace, "train.py", Cursor(1, finding.step))
    told = text_of(step.rows_of(here, 80))
    assert "⚠ nonfinite: 6 of 6 entries are not finite, the first at [0] (inf); there saved" in told
    assert "result is 0" in told


def test_what_is_found_before_any_pass_is_told_in_the_step_pane() -> None:
    with gradtui.record() as trace, pytest.raises(RuntimeError, match="does not require grad"):
        torch.ones(3).sum().backward()
    (finding,) = trace.findings
    told = text_of(step.rows_of(State(trace, "train.py", edge(trace)), 200))
    assert finding.message in told
