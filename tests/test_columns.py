"""Columns, names and numbers: what a pane shows of them when it is narrow, and alike in every pane."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace
from test_outline import chain, only, tensor

from gradtui.trace import Trace
from gradtui.trace.cursor import Cursor
from gradtui.trace.numbers import digits, short
from gradtui.views import leaves, ledger, nearby, norms, shapes, status, step, torch
from gradtui.views.absent import NOT_YET, NOTHING, UNKNOWN
from gradtui.views.amounts import brief
from gradtui.views.rows import fit_path, text_of, width_of
from gradtui.views.shapes import Shapes, View
from gradtui.views.state import State
from gradtui.wire.messages import PassBegan, Stepped, Summary

DEEP = "encoder.layers.11"
"""A path that is longer than most columns."""


def transformer() -> Trace:
    """A chain down `linear2` and `linear1` of a layer far inside."""
    return Trace.of(chain([(None, 1), (f"{DEEP}.linear2", 3), (f"{DEEP}.linear1", 3)]))


# ------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("path", "width", "fitted"),
    [
        ("model.layers[0].b", 20, "model.layers[0].b"),
        ("model.layers[0].b", 12, "m.l[0].b"),
        ("model.encoder.layers.6.linear2.weight", 18, "m.e.l.6.l2.weight"),
        ("net.cell.weight_ih.T", 9, "n.c.wi.T"),
        ("net.cell.weight_hh.T", 9, "n.c.wh.T"),
        ("net.cell.weight_hh.T", 6, "….wh.T"),
    ],
)
def test_a_path_is_shortened_to_what_tells_it_from_others(path: str, width: int, fitted: str) -> None:
    assert fit_path(path, width).rstrip() == fitted
    assert width_of([*norms.row(fit_path(path, width))]) == width


# ----------------------------------------------------------------------------- columns


def rows(trace: Trace, view: View, width: int) -> list[str]:
    shown, kept = only(trace), Shapes()
    kept.chosen = view
    shape = kept.shape_of(shown)
    state = State(trace, "x", Cursor(1, len(shown.messages)))
    return [text_of([shapes.row_of(state, shape, at, width)]) for at in range(len(shape))]


def test_where_the_module_stands_beside_it_a_leaf_goes_by_its_name_in_there() -> None:
    drawn = rows(transformer(), "order", 60)
    assert [row.split()[2:5:2] for row in drawn if "Leaf" in row] == [
        ["weight", "e.l.11.linear2"],
        ["weight", "e.l.11.linear1"],
    ]
    assert "11.l2.weight Leaf" in rows(transformer(), "order", 44)[4]


def test_in_a_narrow_graph_of_torch_values_give_way_to_long_names() -> None:
    narrow, wide = rows(transformer(), "flow", 51), rows(transformer(), "flow", 80)
    assert any("m.e.layers.11.linear2.weight" in row for row in narrow)
    assert not any("2x2 ‖1‖" in row.partition("▇")[0] for row in narrow)
    assert any("2x2 ‖1‖" in row.partition("▇")[0] for row in wide)


@pytest.mark.parametrize("width", [44, 60, 76])
def test_the_torch_pane_uses_its_width_and_no_name_touches_a_value(width: int) -> None:
    trace = transformer()
    leaf = next(node for node in only(trace).nodes.values() if node.leaf)
    path = (1, 2, 3, 4, leaf.id)
    state = State(trace, "x", Cursor(1, len(only(trace).messages)), leaf.id, path)
    drawn = torch.rows_of(state, width)
    told = drawn[-1]
    assert re.search(r"weight +2x2 ‖1‖ +2x2 ‖1‖$", text_of([told]))
    label = len(f"Leaf  {leaf.name}")
    assert width_of(told) == min(width - 1, 2 + label + 1 + len("2x2 ‖1‖") + 1 + torch.WHOLE)


@pytest.mark.parametrize(("width", "height", "across"), [(60, 12, False), (60, 7, True), (90, 12, True)])
def test_neighbours_stand_beside_the_box_where_they_can_be_read_or_nothing_else_fits(
    width: int, height: int, across: bool
) -> None:
    state = State(transformer(), "x", Cursor(1, 3), 3, (1, 2, 3))
    drawn = text_of(nearby.rows_of(state, width, height))
    assert ("sent by" in drawn) == across
    assert across or "#3" in drawn


# --------------------------------------------------------------- what is not there (yet)


def test_what_has_not_come_yet_and_what_will_not_come_are_told_alike() -> None:
    events = chain([(None, 1), ("fc2", 2), ("fc1", 2)])
    began = events[0]
    assert isinstance(began, PassBegan)
    first, last = (node.id for node in began.nodes if node.leaf)
    steps = [event for event in events if isinstance(event, Stepped)]
    cut = next(event.step for event in steps if event.node == last) - 1

    def told(trace: Trace, step: int) -> list[list[str]]:
        shown = only(trace)
        state = State(trace, "x", Cursor(1, step), last, (1, 2, 3, 4, 5, last))
        known = leaves.leaves_of(shown)
        leaf = text_of([leaves.LeafRows(state, shown, known, 60)[known.index(shown.nodes[last]) + 1]])
        return [leaf.split()[-2:], text_of(torch.rows_of(state, 60)).split()[-1:]]

    under_way = Trace.of(events[: 1 + cut])
    assert told(under_way, cut) == [[NOT_YET.split()[-1], "None"], ["yet"]]
    assert norms_of(under_way) == {"model.fc2.weight": "1", "model.fc1.weight": NOT_YET}
    over = Trace.of([*events[: 1 + cut], events[-1]])
    assert told(over, cut) == [[NOTHING, "None"], [NOTHING]]
    assert told(over, cut - 1)[0] == ["yet", "None"]  # at that step one could not know
    assert norms_of(over) == {"model.fc2.weight": "1", "model.fc1.weight": NOTHING}


def test_a_gradient_of_unknown_size_is_not_said_to_be_missing() -> None:
    sparse = Summary((4, 2), "float32", "cpu", note="sparse")
    events = [
        replace(event, accumulated=replace(event.accumulated, added=sparse, after=sparse))
        if isinstance(event, Stepped) and event.accumulated is not None
        else event
        for event in chain([("embed", 2)])
    ]
    assert norms_of(Trace.of(events)) == {"model.embed.weight": UNKNOWN}


def norms_of(trace: Trace) -> dict[str, str]:
    """Each parameter's number in the table of norms."""
    state = State(trace, "x", Cursor(1, 1))
    table = norms.rows_of(state, norms.Leaves().of(state), 60)
    return {row[1].text.strip(): row[2].text.strip() for row in table[1:]}


# ----------------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("number", "places", "text"),
    [
        (2.5e-8, 6, "2.5e-8"),
        (0.00012, 6, "0.00012"),
        (1.25e9, 2, "1.2e9"),
        (1e-10, 6, "1e-10"),
        (1e100, 6, "1e100"),
        (float("nan"), 6, "nan"),
        (-3.0, 6, "-3"),
    ],
)
def test_a_number_is_written_in_one_way(number: float, places: int, text: str) -> None:
    assert digits(number, places) == text
    assert brief(number, places) in (text, "1.2e-4")
    assert short(replace(tensor(1.0), norm=number)).startswith(f"2x2 ‖{digits(number, 4)}‖")


# ------------------------------------------------------------------------- where it stands


@pytest.mark.parametrize(
    ("engine", "kind", "total"),
    [("torch", "backward", "4"), ("torch", "grad", "…"), ("scalar", "backward", "…")],
)
def test_of_a_pass_under_way_the_total_is_told_where_it_is_known(engine: str, kind: str, total: str) -> None:
    events = chain([(None, 1), ("fc", 2)])
    began = events[0]
    assert isinstance(began, PassBegan)
    events[0] = replace(began, engine=engine, kind=kind)
    assert f"step 2/{total} " in text_of([status.where(State(Trace.of(events[:3]), "x", Cursor(1, 2)))])
    assert "step 2/4 " in text_of([status.where(State(Trace.of(events), "x", Cursor(1, 2)))])


def test_a_pass_that_was_not_recorded_is_called_so_and_nothing_is_claimed_of_it() -> None:
    events = chain([("fc", 1)])
    began = events[0]
    assert isinstance(began, PassBegan)
    trace = Trace.of([replace(began, nodes=(replace(began.nodes[0], inputs=()),), light=True), events[-1]])
    state = State(trace, "x", Cursor(1, 0), 1, (1,))
    assert "pass 1/1  not recorded  torch" in text_of([status.where(state)])
    for pane in (torch.rows_of(state, 60), ledger.rows_of(state, 60), step.rows_of(state, 80)):
        assert "not recorded" in text_of(pane)
        assert NOTHING not in text_of(pane)
        assert "0 contributions" not in text_of(pane)
