"""The graph by module and by execution order, and the table of norms: laws on random graphs, small tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gradtui.trace import Pass, Trace
from gradtui.trace.cursor import Cursor
from gradtui.views import flow, modules, norms, shapes
from gradtui.views.blocks import Run, range_of, runs_of
from gradtui.views.order import Order, expected_order
from gradtui.views.outline import OUTSIDE, PAGE, Outline
from gradtui.views.repeats import repeats_of
from gradtui.views.rows import text_of, width_of
from gradtui.views.shapes import Shapes
from gradtui.views.state import State
from gradtui.wire.messages import (
    Accumulated,
    Event,
    Node,
    PassBegan,
    PassEnded,
    Sent,
    Stepped,
    Summary,
    Value,
)

law = settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

PATHS = (None, "", "a", "a.b", "a.b.0", "a.b.1", "a.b.2", "a.b.3", "a.c", "h.0", "h.1", "h.2", "h.2.x", "net")


def tensor(norm: float) -> Summary:
    return Summary((2, 2), "float32", "cpu", norm=norm, nonfinite=0 if math.isfinite(norm) else 1)


@st.composite
def passes(draw: st.DrawFn) -> list[Event]:
    """A pass over a random graph: each node sends to later ones, those without edges are leaves."""
    count = draw(st.integers(1, 24))
    nodes: list[Node] = []
    for number in range(1, count + 1):
        later = st.one_of(st.none(), st.integers(number + 1, count)) if number < count else st.none()
        edges = tuple(draw(st.lists(later, max_size=3)))
        leaf = number > 1 and not any(edges)
        path = draw(st.sampled_from(PATHS))
        name = f"net.{path}.w{number}".replace("net.net.", "net.") if leaf and path else None
        edges = () if leaf else edges
        nodes.append(Node(number, "Op", edges, leaf, name, name is not None, tensor(1.0), module=path))
    reached: list[int] = []
    stack = [1]
    while stack:
        number = stack.pop()
        if number not in reached:
            reached.append(number)
            stack += [t for t in nodes[number - 1].inputs if t is not None]
    nodes = [node for node in nodes if node.id in reached]
    steps = sorted(reached)[: draw(st.integers(0, len(reached)))]
    events: list[Event] = [PassBegan(1, "torch", (1,), tuple(nodes))]
    by_number = {node.id: node for node in nodes}
    for step, number in enumerate(steps, 1):
        node, size = by_number[number], tensor(draw(st.sampled_from([0.0, 1e-9, 0.5, 2.0, 1e4, math.nan])))
        account = Accumulated(number, None, size, size) if node.leaf else None
        sent = tuple(None if t is None else Sent(t, size) for t in node.inputs)
        events.append(Stepped(1, step, number, (size,), sent, account))
    return events


def only(trace: Trace) -> Pass:
    shown = trace.pass_numbered(1)
    assert shown is not None
    return shown


# ------------------------------------------------------------------------- by module


@law
@given(passes())
def test_each_node_stands_once_below_its_module_and_all_headings_count_theirs(events: list[Event]) -> None:
    shown = only(Trace.of(events))
    outline = Outline(shown)
    assert sorted(n for n in outline.node if n) == sorted(shown.nodes)
    assert set(outline.headings) == {row for row, number in enumerate(outline.node) if not number}
    for row, heading in outline.headings.items():
        below = [n for n in outline.node[row : outline.end[row]] if n]
        assert outline.nodes_in(row) == len(below) == sum(map(outline.nodes_in, outline.children(row)))
        assert outline.first_node(row) == below[0]
        path = "" if heading.key == OUTSIDE else heading.key.partition("[")[0]
        for number in below:
            module = shown.nodes[number].module or ""
            assert module == "" if heading.key == OUTSIDE else f"{module}.".startswith(path)


@law
@given(passes(), st.lists(st.integers(1, 6), max_size=8))
def test_totals_are_the_same_however_the_steps_come(events: list[Event], chunks: list[int]) -> None:
    trace = Trace.of(events[:1])
    shown = only(trace)
    outline = Outline(shown)
    totals = outline.totals
    left = list(events[1:])
    for chunk in [*chunks, len(left)]:
        for event in left[:chunk]:
            trace.fold(event)
        left = left[chunk:]
        totals.catch_up()
        step = len(shown.messages)
        for row in outline.headings:
            assert totals.done(row, step) == len(_ran(shown, outline, row, step))
    for step in range(len(shown.messages) + 1):
        for row in outline.headings:
            ran = _ran(shown, outline, row, step)
            assert totals.done(row, step) == len(ran)
            assert totals.began(row, step) == (min(ran) if ran else None)
            given_ = [m.accumulated for m in shown.messages[:step] if m.step in ran]
            sizes = [a.added.norm for a in given_ if a is not None and isinstance(a.added, Summary)]
            expected = math.sqrt(sum(size * size for size in sizes if size is not None)) if sizes else None
            assert totals.added(row, step) == pytest.approx(expected, nan_ok=True)
            firsts = [min(_ran(shown, outline, below, step), default=0) for below in outline.children(row)]
            norms_ = [shown.messages[first - 1].received[0] if first else None for first in firsts]
            received = [value.norm if isinstance(value, Summary) else None for value in norms_]
            below = totals.through(row, step)
            assert [(n is None, n) for n in below if n == n] == [(n is None, n) for n in received if n == n]


def _ran(shown: Pass, outline: Outline, row: int, step: int) -> set[int]:
    below = {n for n in outline.node[row : outline.end[row]] if n}
    return {m.step for m in shown.messages[:step] if m.node in below}


@law
@given(passes(), st.integers(44, 130))
def test_every_row_of_every_view_takes_the_width_and_no_more(events: list[Event], width: int) -> None:
    trace = Trace.of(events)
    shown = only(trace)
    kept = Shapes()
    for view in shapes.VIEWS:
        kept.chosen = view
        shape = kept.shape_of(shown)
        for step in {0, len(shown.messages) // 2, len(shown.messages)}:
            state = State(trace, "x", Cursor(1, step))
            rows = [shapes.head_of(shown, shape, width)]
            rows += [shapes.row_of(state, shape, row, width) for row in range(len(shape))]
            sizes = {width_of(row) for row in rows}
            assert len(sizes) == 1, (view, text_of(rows))
            assert max(sizes) <= width


def chain(paths: Sequence[tuple[str | None, int]], number: int = 1, norm: float = 1.0) -> list[Event]:
    """A pass down a chain of nodes: each of its paths with so many nodes, the last of them with a weight."""
    nodes: list[Node] = []
    for path, count in paths:
        nodes += [Node(len(nodes) + i + 1, "Op", (), False, None, module=path) for i in range(count)]
    weights = []
    for i, node in enumerate(nodes):
        following = i + 2 if i + 1 < len(nodes) else None
        inputs: tuple[int | None, ...] = (following,)
        if node.module and (following is None or nodes[i + 1].module != node.module):
            name = f"model.{node.module}.weight"
            weight = len(nodes) + len(weights) + 1
            weights.append(Node(weight, "Leaf", (), True, name, True, tensor(1.0), module=node.module))
            inputs = (following, weight)
        nodes[i] = Node(node.id, "Op", inputs, False, None, module=node.module)
    events: list[Event] = [PassBegan(number, "torch", (1,), (*nodes, *weights))]
    ordered = expected_order(Pass(events[0])) if isinstance(events[0], PassBegan) else ()
    leaves = {node.id for node in weights}
    size: Value = tensor(norm)
    for step, at in enumerate(ordered, 1):
        account = Accumulated(at, None, size, size) if at in leaves else None
        events.append(Stepped(number, step, at, (size,), (), account))
    return [*events, PassEnded(number)]


def blocks(count: int) -> list[Event]:
    """A model of blocks `h.3 .. h.0`, each with `attn` and `mlp`, between a head and an embedding."""
    paths: list[tuple[str | None, int]] = [(None, 1), ("head", 2)]
    for i in reversed(range(count)):
        paths += [(f"h.{i}.mlp", 3), (f"h.{i}.attn", 4), (f"h.{i}", 1)]
    return chain([*paths, ("embed", 1)])


def drawn(trace: Trace, outline: Outline, step: int, width: int = 76) -> str:
    state = State(trace, "x", Cursor(1, step))
    outline.totals.catch_up()
    return text_of([modules.row_of(state, outline, row, width) for row in outline.visible])


def test_a_model_begins_as_a_page_with_its_repeated_blocks_in_one_row() -> None:
    trace = Trace.of(blocks(50))
    outline = Outline(only(trace))
    labels = [outline.headings[row].label for row in outline.visible]
    assert labels == [OUTSIDE, "model", "head", "h[0..49]", "embed"]
    assert len(outline.visible) <= PAGE
    group = outline.visible[3]
    assert (outline.headings[group].times, outline.nodes_in(group)) == (50, 50 * 11)
    outline.expand(group)
    assert [outline.headings[row].label for row in outline.visible[4:7]] == ["h[49]", "h[48]", "h[47]"]


@pytest.mark.parametrize("owns", [True, False])
def test_what_a_model_does_itself_stands_below_it_and_the_loss_outside(owns: bool) -> None:
    """`owns`: also where it has parameters of its own."""
    events = chain([(None, 2), ("head", 1), ("model", 2), ("fc", 2), ("model", 1)])
    began = events[0]
    assert isinstance(began, PassBegan)
    nodes = [
        replace(node, name=f"model.w{node.id}" if owns else None, module="model" if owns else "fc")
        if node.leaf and node.module == "model"
        else node
        for node in began.nodes
    ]
    trace = Trace.of([replace(began, nodes=tuple(nodes))])
    trace.modules["model"] = "GPT"
    outline = Outline(only(trace))
    tops = [row for row in outline.headings if outline.parent[row] < 0]
    assert [outline.headings[row].label for row in tops] == [OUTSIDE, "model"]
    assert outline.nodes_in(tops[0]) == 2
    below = outline.children(tops[1])
    assert [outline.headings[row].label for row in below if row in outline.headings] == ["head", "fc"]
    assert sum(row not in outline.headings for row in below) == 3 + 2 * owns
    assert "▾ model  GPT" in drawn(trace, outline, 0)


def test_a_folded_row_says_in_which_block_the_step_is_and_how_the_gradient_flows_through_them() -> None:
    trace = Trace.of(blocks(4))
    outline = Outline(only(trace))
    step = next(m.step for m in only(trace).messages if only(trace).nodes[m.node].module == "h.2.attn")
    row = drawn(trace, outline, step).splitlines()[3]
    assert row.startswith("▶   ▸ h[0..3]  ▶ 2")
    assert "  " + "  ▇▇" + "  4 alike" in row  # h[0] and h[1] are to come
    assert " 16 of 44 " in row
    assert "·   ▸ h[0..3]  " in drawn(trace, outline, 0)
    assert "✓ ▾ model" in drawn(trace, outline, len(only(trace).messages))


@pytest.mark.parametrize("width", [51, 72, 130])
def test_blocks_without_a_cell_each_share_all_the_cells_there_are_and_hide_no_nan(width: int) -> None:
    count, bad = 120, 37
    events = blocks(count)
    began = events[0]
    assert isinstance(began, PassBegan)
    of_bad = {node.id for node in began.nodes if node.module == f"h.{bad}.mlp"}
    events = [
        replace(event, received=(tensor(math.nan),))
        if isinstance(event, Stepped) and event.node in of_bad
        else event
        for event in events
    ]
    trace = Trace.of(events)
    outline = Outline(only(trace))
    row = drawn(trace, outline, len(only(trace).messages), width).splitlines()[3]
    nodes, bars = f"{count * 11:,}", row.split("  ")[2]
    longest = len(f"{count * 11}/{count * 11}")  # what stands there while some are to come
    assert row.index(bars) + len(bars) + 1 == row.index(nodes) + len(nodes) - longest
    assert set(bars) == {"▇", "✗"}
    assert bars.index("✗") == bad * len(bars) // count


def recurrent(calls: int, norm: float) -> list[Event]:
    """A cell of three operations called again and again; the gradient shrinks by `norm` at each. The first
    call, last in the pass, sends less."""
    ops = ["Tanh", "Add", "Addmm"] * (calls - 1) + ["Tanh", "Addmm"]
    nodes = [Node(1, "Mean", (2,), False, None)]
    nodes += [Node(i, op, (i + 1,), False, None, module="cell") for i, op in enumerate(ops, 2)]
    weight = Node(
        len(nodes) + 1, "AccumulateGrad", (), True, "net.cell.weight", True, tensor(1.0), module="cell"
    )
    began = PassBegan(1, "torch", (1,), (*nodes, weight))
    steps = [
        Stepped(1, step, node.id, (tensor(norm ** ((step - 2) // 3)),), ())
        for step, node in enumerate((*nodes, weight), 1)
    ]
    return [began, *steps, PassEnded(1)]


def test_a_cell_that_is_called_again_and_again_has_a_row_a_call_and_shows_how_the_gradient_fades() -> None:
    trace = Trace.of(recurrent(50, 0.1))
    trace.modules["cell"] = "RNNCell"
    outline = Outline(only(trace))
    row = next(at for at, heading in outline.headings.items() if heading.repeats)
    assert outline.headings[row].label == "cell × 50"
    calls = outline.children(row)
    assert [outline.headings[call].label for call in calls[:2]] == ["repeat 50", "repeat 49"]
    assert [outline.nodes_in(call) for call in calls] == [3] * 50  # the last: two operations and the weight
    last = len(only(trace).messages)
    text = drawn(trace, outline, last, 130)
    assert "cell × 50  ▶  1  " + "▁" * 43 + "▂▃▄▅▆▆▇  RNNCell" in text
    step = next(m.step for m in only(trace).messages if m.node == outline.node[calls[40] + 1])
    assert "cell × 50  ▶ 10  " in drawn(trace, outline, step, 130)


@pytest.mark.parametrize(
    ("ops", "starts"),
    [
        ("abababab", [0, 2, 4, 6]),
        ("abcabcabcab", [0, 3, 6, 9]),  # the last is shorter,
        ("abcabcabcabx", [0, 3, 6, 9]),  # or goes on otherwise,
        ("abcabcabcxyz", []),  # but begins alike
        ("aaaaaaaa", []),
        ("abab", []),
        ("xabababab", []),
        ("", []),
    ],
)
def test_what_a_module_does_again_and_again(ops: str, starts: list[int]) -> None:
    assert repeats_of(ops) == starts


def test_what_a_person_unfolded_stays_so_in_the_passes_to_come() -> None:
    first, second = Trace.of(blocks(4)), Trace.of(blocks(4))
    kept = Shapes()
    kept.chosen = "modules"
    outline = kept.shape_of(only(first))
    row = outline.visible[3]
    outline.expand(row)
    kept.note(outline, row)
    assert list(kept.shape_of(only(second)).visible) == list(outline.visible)


def test_small_graphs_and_those_without_modules_are_shown_by_data_flow() -> None:
    kept = Shapes()
    assert kept.view_of(only(Trace.of(blocks(1)))) == "flow"
    assert kept.view_of(only(Trace.of(chain([(None, 100)])))) == "flow"
    assert kept.view_of(only(Trace.of(blocks(9)))) == "modules"


@pytest.mark.parametrize(
    ("names", "forms", "found"),
    [
        ("3 2 1 0", "aaaa", [(0, 4, 1)]),
        ("3 2 1 0", "aaba", []),
        ("5 4 3 2 1 0", "ababab", [(0, 6, 2)]),
        ("6 5 4 3 2 1 0", "xababab", [(1, 7, 2)]),
        ("layer1 layer2 layer3", "aaa", [(0, 3, 1)]),
        ("q_proj k_proj v_proj", "aaa", []),  # alike, but no repetition of one another
        ("7 5 3 1", "aaaa", []),
        ("5 4 3 0 1 2", "aaaaaa", [(0, 3, 1), (3, 6, 1)]),
        ("", "", []),
    ],
)
def test_repetitions_among_neighbours(names: str, forms: str, found: list[tuple[int, int, int]]) -> None:
    assert runs_of(names.split(), [ord(form) for form in forms]) == [Run(*run) for run in found]


def test_a_range_is_told_from_the_lower_end() -> None:
    assert range_of("11", "0") == "[0..11]"
    assert range_of("layer4", "layer1") == "layer1..4"


# ------------------------------------------------------------------ by execution order


@law
@given(passes())
def test_the_expected_order_has_each_node_behind_all_that_send_to_it(events: list[Event]) -> None:
    shown = only(Trace.of(events))
    order = list(expected_order(shown))
    assert sorted(order) == sorted(shown.nodes)
    for node in shown.nodes.values():
        for target in node.inputs:
            assert target is None or order.index(node.id) < order.index(target)


@law
@given(passes(), st.lists(st.integers(1, 6), max_size=8))
def test_rows_are_the_steps_then_what_waits_however_they_come(events: list[Event], chunks: list[int]) -> None:
    trace = Trace.of(events[:1])
    shown = only(trace)
    order = Order(shown)
    left = list(events[1:])
    for chunk in [*chunks, len(left)]:
        for event in left[:chunk]:
            trace.fold(event)
        left = left[chunk:]
        order.catch_up()
        ran = [message.node for message in shown.messages]
        waits = [number for number in expected_order(shown) if number not in ran]
        assert list(order.node) == ran + waits
        assert len(order.visible) == len(order)
        for number in shown.nodes:
            assert order.node[order.row_of(number, len(ran))] == number


def test_a_node_that_runs_again_has_a_row_for_each_step() -> None:
    nodes = (Node(1, "+", (2,), False), Node(2, "*", (), True))
    steps = [Stepped(1, step, number, (1.0,), ()) for step, number in enumerate((1, 2, 2), 1)]
    order = Order(only(Trace.of([PassBegan(1, "scalar", (1,), nodes), *steps])))
    assert list(order.node) == [1, 2, 2]
    assert [order.row_of(2, step) for step in range(4)] == [1, 1, 1, 2]


# --------------------------------------------------------------------------------- norms


@pytest.mark.parametrize(
    ("norm", "glyph", "role"),
    [
        (None, " ", ""),
        (0.0, "○", "name"),
        (1e-30, "▁", "name"),
        (1e-6, "▂", "good"),
        (0.5, "▆", "good"),
        (1.0, "▇", "good"),
        (100.0, "█", "warn"),
        (math.inf, "∞", "bad"),
        (math.nan, "✗", "bad"),
    ],
)
def test_a_size_has_a_glyph_and_a_colour(norm: float | None, glyph: str, role: str) -> None:
    assert (flow.glyph(norm), flow.role(norm)) == (glyph, role)


@law
@given(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300))
def test_a_larger_norm_never_has_a_lower_bar(one: float, other: float) -> None:
    assert (one <= other) <= (flow.BARS.index(flow.glyph(one)) <= flow.BARS.index(flow.glyph(other)))


def table(trace: Trace, number: int, width: int = 90) -> list[str]:
    state = State(trace, "x", Cursor(number, 0))
    return text_of(norms.rows_of(state, norms.Leaves().of(state), width)).splitlines()


def run_of(sizes: Sequence[float]) -> Trace:
    paths: list[tuple[str | None, int]] = [("b", 2), ("a", 2)]
    return Trace.of([event for i, norm in enumerate(sizes, 1) for event in chain(paths, i, norm)])


def test_the_table_shows_from_which_pass_on_a_gradient_was_no_number() -> None:
    rows = table(run_of([1.0, 0.5, 200.0, math.inf, math.nan, math.nan]), 6)
    assert [row.split()[0] for row in rows[1:]] == ["model.b.weight", "model.a.weight"]
    assert rows[1].split() == ["model.b.weight", "nan", "▇▆█∞✗✗", "since", "4"]
    assert rows[0].split() == ["added", "to", "pass", "6", "1", "▼"]
    assert "since" not in table(run_of([1.0, 0.5, math.nan]), 2)[1]


def test_of_many_passes_those_around_the_cursor_have_columns() -> None:
    trace = run_of([1.0] * 40 + [1e-9] * 160)
    far = table(trace, 200)[1]
    assert far.endswith("since ≤145") or "since ≤" in far
    near = table(trace, 42)[1]
    assert near.split()[-2:] == ["since", "41"]
    assert "▇▁" in near
    assert max(len(row) for row in table(trace, 100)) <= 90


def test_passes_of_another_line_and_leaves_that_are_not_there_leave_no_trace() -> None:
    one = chain([("d", 1)], 1)
    other = chain([("g", 1), ("d", 1)], 2, math.nan)
    began = other[0]
    assert isinstance(began, PassBegan)
    root = began.nodes[0]
    named = Node(root.id, root.op, root.inputs, False, "gloss", True, module=root.module)
    other[0] = PassBegan(2, "torch", began.roots, (named, *began.nodes[1:]))
    trace = Trace.of([*one, *other, *chain([("d", 1)], 3)])
    assert table(trace, 3)[1].split()[-1] == "▇▇"
    assert [row.split()[2] for row in table(trace, 2)[1:]] == ["✗", "✗"]


def test_passes_that_were_let_go_keep_their_column() -> None:
    trace = Trace(keep=20_000)
    for i in range(1, 101):
        for event in chain([("b", 2), ("a", 2)], i, 1.0 if i < 6 else math.nan):
            trace.fold(event)
    assert trace.was_let_go(2)
    assert trace.lines.apart > 1
    leaves = norms.Leaves()
    for number in (100, 5, 2):  # 100 is there, of 5 and 2 there are lines, if at all
        state = State(trace, "x", Cursor(number, 0))
        rows = text_of(norms.rows_of(state, leaves.of(state), 90)).splitlines()
        assert [row.split()[0] for row in rows[1:]] == ["model.b.weight", "model.a.weight"]
        assert "✗" in rows[1]
        assert f"1 of {trace.lines.apart}" in rows[0]
