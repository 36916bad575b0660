"""The neighbourhood of a node: what is drawn of it, and that every edge is drawn once."""

from __future__ import annotations

import re

from graphs import OURS, Recipe, recipes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from traces import events, leaf

import gradtui
from gradtui.scalar import Value
from gradtui.trace import Trace
from gradtui.trace.cursor import Cursor
from gradtui.views import nearby, neighbours
from gradtui.views.rows import text_of, width_of
from gradtui.views.state import State
from gradtui.wire.messages import Node, PassBegan, PassEnded, Sent, Stepped

law = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def neuron() -> Trace:
    with gradtui.record(twin=False) as trace:
        x, w, b = Value(2.0), Value(-3.0), Value(7.0)
        n = x * w + b
        o = n * n
        o.backward()
    return trace


def drawing(trace: Trace, name: str, step: int, width: int, height: int = 30) -> str:
    state = State(trace, "x.py", Cursor(1, step), selected=leaf(trace, name).id)
    rows = nearby.rows_of(state, width, height)
    assert len(rows) <= height
    assert all(width_of(r) <= width for r in rows)
    return text_of(rows)


def test_a_node_between_its_neighbours() -> None:
    assert drawing(neuron(), "n", 1, 80) == "\n".join(
        [
            "sent by                                              sends to",
            "                    ╭────────────────╮",
            "                    │ › n            │",
            "▶ o   ───── 1 ─────▶│ +              │╌╌╌╌╌╌╌╌╌╌╌╌╌▶ · x*w",
            "▶ o ↑ ───── 1 ─────▶│ value 1        │╌╌╌╌╌╌╌╌╌╌╌╌╌▶ · b",
            "                    │ received 2     │",
            "                    ╰────────────────╯",
        ]
    )


def test_two_hops_where_there_is_room() -> None:
    assert drawing(neuron(), "n", 3, 130) == "\n".join(
        [
            "                          sent by                                                    sends to",
            "                                                 ╭────────────────╮",
            "                                                 │ ✓ n            │────── 2 ───────▶ ▶ x*w   ┬───── -6 ──────▶ › x",
            "start   ────── 1 ───────▶ ✓ o   ────── 1 ───────▶│ +              │                          └───── 4 ───────▶ · w",
            "                          ✓ o ↑ ────── 1 ───────▶│ value 1        │────── 2 ───────▶ · b",
            "                                                 │ received 2     │",
            "                                                 ╰────────────────╯",
        ]
    )


def test_a_narrow_pane_stacks_them() -> None:
    assert drawing(neuron(), "n", 3, 34) == "\n".join(
        [
            "✓ o                        1 ──┐",
            "✓ o ↑                      1 ──┤",
            "                               ▼",
            "╭────────────────────────────────╮",
            "│ ✓ n                            │",
            "│ +  value 1                     │",
            "│ received 2                     │",
            "╰────────────────────────────────╯",
            "▶ x*w                      2 ◀─┤",
            "· b                        2 ◀─┘",
        ]
    )


def test_of_many_users_those_around_the_newest_are_drawn() -> None:
    with gradtui.record(twin=False) as trace:
        w = Value(1.5)
        total = Value(0.0)
        for i in range(40):
            total = total + w * float(i + 1)
        total.backward()
    shown = trace.passes[0]
    newest = shown.arrivals[leaf(trace, "w").id][19]
    for width in (40, 80, 130):
        text = drawing(trace, "w", newest.step, width, 14)
        earlier, more = (int(m) for m in re.search(r"… (\d+) earlier[\s\S]*… (\d+) more", text).groups())  # type: ignore[union-attr]
        shown_edges = len(re.findall(r"[▶✓·›] w\*\d+", text))
        assert earlier + shown_edges + more == 40
        assert shown_edges >= 3
        assert re.search(r"▶ w\*20 .*20", text)
        assert "waits: 20 of 40 arrived" in text


def test_a_contribution_that_overwrote_is_told() -> None:
    stream = events([5.0])
    node = Node(1, "+", (2, 2), False, "b", True, 6.0)
    began = PassBegan(1, "scalar", (1,), (node, Node(2, "", (), True, "a", True, 3.0)), before=((2, 0.0),))
    sent = (Sent(2, 1.0, 0.0, 1.0, sets=True), Sent(2, 0.0, 1.0, 1.0, overwrote=True, sets=True))
    trace = Trace.of([began, Stepped(1, 1, 1, (1.0,), sent), stream[-1]])
    text = drawing(trace, "b", 1, 80)
    assert len(re.findall(r"▶ [›·✓] a", text)) == 2
    assert "= 0 " in text


def recorded(recipe: Recipe) -> Trace:
    with gradtui.record(twin=False) as trace:
        _, root = recipe.build(Value, OURS)
        root.backward()
    return trace


def test_a_root_that_another_root_sends_to() -> None:
    nodes = (Node(1, "neg", (2,), False, "y", True), Node(2, "", (), True, "x", True))
    steps = [Stepped(1, 1, 1, (1.0,), (Sent(2, -1.0),)), Stepped(1, 2, 2, (4.0,), ())]
    trace = Trace.of([PassBegan(1, "torch", (1, 2), nodes), *steps, PassEnded(1)])
    text = drawing(trace, "x", 2, 80)
    assert re.search(r"start +─{13}▶", text)  # what x was given itself is not known apart from the sum
    assert re.search(r"✓ y +─+ -1 ─+▶", text)
    assert "received 4" in text


def test_a_node_that_ran_and_sent_nothing() -> None:
    nodes = (Node(1, "f", (2,), False, "y", True), Node(2, "", (), True, "x", True))
    trace = Trace.of([PassBegan(1, "torch", (1,), nodes), Stepped(1, 1, 1, (1.0,), (None,))])
    assert re.search(r"╌ nothing ╌+▶ · x", drawing(trace, "y", 1, 80))


@settings(law, max_examples=25)
@given(recipes(list(OURS), longest=10), st.sampled_from([45, 80, 300]), st.integers(0, 40))
def test_every_edge_is_drawn_once(recipe: Recipe, width: int, step: int) -> None:
    trace = recorded(recipe)
    shown = trace.passes[0]
    step = min(step, len(shown.messages))
    for node in shown.nodes.values():
        state = State(trace, "x.py", Cursor(1, step), selected=node.id)
        rows = nearby.rows_of(state, width, 200)
        assert all(width_of(r) <= width for r in rows)
        text = text_of(rows)
        into = len(shown.users.get(node.id, [])) + (node.id in shown.began.roots)
        out = sum(i is not None for i in node.inputs)
        if width < nearby.NARROW:
            assert len(re.findall("[─╌][┐┤┘]$", text, re.MULTILINE)) == into + out
        elif width < nearby.WIDE:
            assert text.count("─▶") + text.count("╌▶") == into + out
        left, right = (
            neighbours.senders(state, shown, node.id, 99),
            neighbours.targets(state, shown, node.id, 99),
        )
        for side, up in ((left, True), (right, False)):
            neighbours.add_hops(state, shown, side, 400, up)
            further = [e for hop in side.hops.values() for e in hop.edges]
            ends = {e.to if up else e.sender for e in further}
            assert len(ends) == len(side.hops)  # no neighbour's edges stand at two rows
