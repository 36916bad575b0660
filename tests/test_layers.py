"""The layered layout: its laws on random graphs, and how deep it goes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradtui.views.layers import Gaps, Layout, TooLarge, layers_of, layout

Size = tuple[int, int]
Edge = tuple[int, int]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Size], list[Edge]]:
    """Acyclic graphs with parallel edges, long edges, several results and boxes that stand alone."""
    count = draw(st.integers(1, 24))
    sizes = draw(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 41)), min_size=count, max_size=count))
    names = draw(st.permutations(range(count)))
    ends = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    edges = [(min(e), max(e)) for e in draw(st.lists(ends, max_size=50)) if e[0] != e[1]]
    return sizes, [(names[a], names[b]) for a, b in edges]


def spans(sizes: list[Size], edges: list[Edge], made: Layout) -> dict[int, list[tuple[float, float, bool]]]:
    """For each layer, what takes room in it: top, bottom, and is it a box (or an edge that passes)?"""
    taken: dict[int, set[tuple[float, float, bool, object]]] = {}
    for i, (layer, y) in enumerate(zip(made.layer, made.y)):
        half = sizes[i][1] / 2
        taken.setdefault(layer, set()).add((y - half, y + half, True, i))
    which: dict[Edge, int] = {}
    for edge, bends in zip(edges, made.bends):
        which[edge] = which.get(edge, 0) + 1
        for layer, y in bends:  # edges of one source share their way
            taken.setdefault(layer, set()).add((y, y, False, (edge[0], which[edge])))
    return {layer: sorted(row[:3] for row in rows) for layer, rows in taken.items()}


@given(graphs())
def test_every_edge_goes_to_the_right(graph: tuple[list[Size], list[Edge]]) -> None:
    sizes, edges = graph
    made = layout(sizes, edges)
    for (source, target), bends in zip(edges, made.bends):
        assert made.layer[source] < made.layer[target]
        assert [layer for layer, _ in bends] == list(range(made.layer[source] + 1, made.layer[target]))
        assert made.columns[made.layer[source]][1] < made.columns[made.layer[target]][0]


@given(graphs())
def test_a_box_stands_just_before_its_first_user(graph: tuple[list[Size], list[Edge]]) -> None:
    sizes, edges = graph
    layer = layers_of(len(sizes), edges)
    for i in range(len(sizes)):
        users = [layer[target] for source, target in edges if source == i]
        assert layer[i] == (min(users) - 1 if users else max(layer))
    assert min(layer) == 0


@given(graphs())
def test_nothing_overlaps_in_a_layer(graph: tuple[list[Size], list[Edge]]) -> None:
    sizes, edges = graph
    gaps = Gaps()
    made = layout(sizes, edges, gaps)
    for row in spans(sizes, edges, made).values():
        for (_, bottom, box, *_), (top, _, other, *_) in pairwise(row):
            assert top - bottom >= (gaps.beside if box and other else gaps.line)


@given(graphs())
def test_everything_lies_inside(graph: tuple[list[Size], list[Edge]]) -> None:
    sizes, edges = graph
    made = layout(sizes, edges)
    for (width, height), x, y, layer in zip(sizes, made.x, made.y, made.layer):
        left, right = made.columns[layer]
        assert left <= x - width // 2
        assert x + width // 2 <= right + 1
        assert y - height // 2 >= 0
        assert y + height / 2 <= made.height + 1
        assert right <= made.width
    assert all(0 <= y <= made.height for bends in made.bends for _, y in bends)


@settings(max_examples=30)
@given(graphs())
def test_the_same_graph_is_laid_out_the_same(graph: tuple[list[Size], list[Edge]]) -> None:
    assert layout(*graph) == layout(*graph)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=20))
def test_cycles_are_laid_out_too(edges: list[Edge]) -> None:
    made = layout([(10, 10)] * 7, edges)
    for (source, target), bends in zip(edges, made.bends):
        between = made.layer[target] - made.layer[source] - 1
        assert len(bends) == max(0, between)


def test_no_graph() -> None:
    made = layout([], [])
    assert (made.width, made.height, made.layer) == (0, 0, ())


def test_a_chain_far_deeper_than_recursion_goes_is_one_straight_line() -> None:
    made = layout([(10, 10)] * 10_000, [(i + 1, i) for i in range(9_999)])
    assert made.layer == tuple(range(9_999, -1, -1))
    assert set(made.y) == {5}


def test_a_leaf_that_a_long_chain_uses_at_every_step_needs_one_way_not_thousands() -> None:
    depth = 2_000
    edges = [(i + 1, i) for i in range(depth - 1)] + [(depth, i) for i in range(depth - 1)]
    made = layout([(10, 10)] * (depth + 1), edges, most=depth)
    assert len({bend for bends in made.bends for bend in bends}) == depth - 2
    assert made.height < 100, "chain and way run side by side"


def test_a_long_edge_runs_straight() -> None:
    edges = [(i + 1, i) for i in range(8)] + [(8, 0)]
    made = layout([(40, 20)] * 9, edges)
    assert len({y for _, y in made.bends[-1]}) == 1
    assert len(set(made.y[1:8])) == 1


def test_a_tree_has_no_crossings_and_keeps_the_order_of_its_edges() -> None:
    edges = [(child, (child - 1) // 2) for child in range(1, 31)]
    made = layout([(10, 10)] * 31, edges)
    leaves = [made.y[i] for i in range(15, 31)]
    assert leaves == sorted(leaves)
    assert made.y[0] == (made.y[1] + made.y[2]) / 2


def test_what_the_order_of_the_edges_would_cross_is_uncrossed() -> None:
    made = layout([(10, 10)] * 5, [(1, 0), (2, 0), (3, 1), (4, 1), (3, 2)])
    assert (made.y[4] < made.y[3]) == (made.y[1] < made.y[2]), "box 3, which both use, stands on 2's side"


def test_too_many_bends_are_refused() -> None:
    edges = [(i + 1, i) for i in range(19)] + [(19, 0)]
    layout([(10, 10)] * 20, edges, most=18)
    with pytest.raises(TooLarge, match="more than 17 bends"):
        layout([(10, 10)] * 20, edges, most=17)
