"""Where the panes stand: a table over sizes and wishes, without a screen."""

from __future__ import annotations

import itertools

import pytest

from gradtui.tui.arrangement import LEAST, TABS, WIDE, WIDEST, Wish, arrange, others

AROUND = 4
"""Rows of the screen that no pane has at most: status, alert or tabs, a hint, footer."""
SIZES = [(60, 16), (80, 24), (120, 40), (160, 48), (200, 60)]
WISHES = [
    Wish(lesson=lesson).ask(name)
    for name, lesson in itertools.product([p for p, _ in TABS.values()], [True, False])
]


@pytest.mark.parametrize("wish", WISHES, ids=lambda w: f"{w.tab}-{w.lesson}")
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_panes_cover_the_area_and_none_lies_on_another(size: tuple[int, int], wish: Wish) -> None:
    width, height = size[0], size[1] - AROUND
    boxes = arrange(width, height, wish)
    owner: dict[tuple[int, int], str] = {}
    for name, (x, y, w, h) in boxes.items():
        assert h >= LEAST, name
        for cell in itertools.product(range(x, x + w), range(y, y + h)):
            assert cell not in owner, (name, owner[cell])
            owner[cell] = name
    assert set(owner) == set(itertools.product(range(width), range(height)))


@pytest.mark.parametrize("wish", WISHES, ids=lambda w: f"{w.tab}-{w.lesson}")
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_pane_that_was_asked_for_can_be_seen(size: tuple[int, int], wish: Wish) -> None:
    if wish.tab == "lesson" and not wish.lesson and size[0] >= WIDEST:
        return  # nothing to read: the third column has better use for the room
    assert wish.tab in arrange(size[0], size[1] - AROUND, wish)


def test_a_narrow_screen_shows_one_tab_and_a_wide_one_the_graph_always() -> None:
    assert set(arrange(80, 20, Wish().ask("leaves"))) == {"leaves"}
    assert set(arrange(80, 20, Wish())) == {"graph", "step"}
    for width in (WIDE, WIDEST):
        assert {"graph", "source", "step", "ledger", "leaves"} <= set(
            arrange(width, 40, Wish().ask("nearby"))
        )


def test_a_slot_names_what_else_could_stand_there() -> None:
    assert others("torch", 160) == "9 passes  0 nearby  - norms"
    assert others("graph", 160) == ""
    assert others("torch", 80) == ""
    assert others("findings", 160) == "6 output  8 lesson"
    assert others("findings", 160, lesson=True) == "6 output"  # the lesson has a place of its own


@pytest.mark.parametrize("name", [pane for pane, _ in TABS.values()])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_one_alone_has_the_whole_area_and_what_is_asked_for_takes_its_place(
    size: tuple[int, int], name: str
) -> None:
    alone = Wish(lesson=True).maximized("ledger")
    assert arrange(*size, alone) == {"ledger": (0, 0, *size)}
    assert arrange(*size, alone.ask(name)) == {name: (0, 0, *size)}
    assert alone.maximized(None) == Wish(lesson=True)


HEIGHTS = [
    # wanted by graph and lesson; rows of graph, source and lesson in 40
    ({}, (17, 10, 13)),
    ({"graph": 13, "lesson": 30}, (13, 12, 15)),
    ({"graph": 400, "lesson": 5}, (22, 13, 5)),
    ({"graph": 4, "lesson": 6}, (4, 30, 6)),
    ({"graph": 4, "lesson": 6, "source": 10}, None),
    ({"graph": 1, "lesson": 1}, None),
]


@pytest.mark.parametrize(("wanted", "rows"), HEIGHTS, ids=str)
def test_what_a_pane_does_not_need_others_get(
    wanted: dict[str, int], rows: tuple[int, int, int] | None
) -> None:
    boxes = arrange(160, 40, Wish(lesson=True), wanted)
    tall = {name: boxes[name][3] for name in ("graph", "source", "lesson")}
    assert sum(tall.values()) == 40
    assert min(tall.values()) >= LEAST
    if rows is not None:
        assert tuple(tall.values()) == rows
    if "source" in wanted:  # all have what they want: the rest is shared
        assert all(tall[name] >= wanted[name] for name in tall)
