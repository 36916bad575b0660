"""Laws of the trace on random graphs: travelling shows the same again, a recording is the same run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from graphs import OURS, Recipe, recipes
from hypothesis import HealthCheck, given, settings

from gradtui.check import jsonlines
from gradtui.probe.probe import Probe
from gradtui.scalar import Value
from gradtui.trace import Trace
from gradtui.trace import cursor as moves
from gradtui.trace.cursor import Cursor
from gradtui.views import graph, leaves, ledger, step, torch
from gradtui.views.rows import text_of
from gradtui.views.state import State
from gradtui.views.tree import GraphTree
from gradtui.wire.channel import MemoryChannel
from gradtui.wire.messages import VERSION, Event, Exited, Hello
from gradtui.wire.recording import RecordingWriter, read_recording

law = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def events_of(recipe: Recipe) -> list[Event]:
    """The stream of a program that runs two passes over the recipe's graph."""
    events: list[Event] = [Hello(VERSION, "random.py")]
    with Probe(MemoryChannel(events.append), scan=True):
        _, root = recipe.build(Value, OURS)
        root.backward()
        root.backward()
    return [*events, Exited(0, 2, sum(type(e).__name__ == "Stepped" for e in events))]


def shown(trace: Trace, at: Cursor) -> list[str]:
    """All that the screen says at a position."""
    state = State(trace, "random.py", cursor=at, recording=True)
    pass_ = state.shown_pass
    assert pass_ is not None
    tree = GraphTree(pass_)
    now = state.step
    node = now.node.id if now is not None else pass_.root.id
    path = tree.path(tree.first_row[node])
    state = State(trace, "random.py", cursor=at, recording=True, selected=node, path=path)
    rows: list[Any] = [graph.row_of(state, tree, i, 70) for i in range(len(tree))]
    known = leaves.leaves_of(pass_)
    panes = [rows, step.rows_of(state, 80), ledger.rows_of(state, 80), torch.rows_of(state, 80)]
    return [text_of(pane) for pane in (*panes, leaves.LeafRows(state, pass_, known, 80))]


@law
@given(recipes(list(OURS), longest=8))
def test_forward_back_and_forward_again_shows_the_same(recipe: Recipe) -> None:
    trace = Trace.of(events_of(recipe))
    at: Cursor | None = Cursor(1, 0)
    seen = []
    while at is not None:
        seen.append((at, shown(trace, at)))
        at = moves.forward(trace, at)
    assert [place for place, _ in seen] == sorted(place for place, _ in seen)
    assert len(seen) == len(trace.arrivals)
    at = seen[-1][0]
    for place, text in reversed(seen):
        assert at == place
        assert shown(trace, place) == text
        at = moves.back(trace, place)
    assert at is None


@law
@given(recipes(list(OURS)))
def test_a_recording_reopened_is_the_same_trace(recipe: Recipe) -> None:
    events = events_of(recipe)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.gradtui"
        writer = RecordingWriter(path)
        for event in events:
            writer.write(event)
        writer.close()
        read = list(read_recording(path))
    assert read == events
    one, other = Trace(), Trace()
    for event, again in zip(events, read, strict=True):
        lines = [list(jsonlines.lines_of(t, e, t.fold(e))) for t, e in ((one, event), (other, again))]
        assert lines[0] == lines[1]
    assert one.findings == other.findings
