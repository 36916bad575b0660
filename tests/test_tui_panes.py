"""The panes at every size: hints, clicks, findings, copies, themes."""

from __future__ import annotations

import pytest
from textual._compositor import Compositor
from textual.geometry import Region
from tui import (
    PROGRAMS,
    SCENARIOS,
    click,
    debugger,
    ended,
    graph_text,
    pane,
    screen_text,
    step,
    until,
)

from gradtui.trace.cursor import Cursor
from gradtui.tui.theme import THEMES


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (160, 48), (200, 60), (60, 16)])
async def test_every_size_shows_the_graph_and_the_step(size: tuple[int, int]) -> None:
    async with debugger(SCENARIOS / "neuron.py", size) as (app, pilot):
        await step(app, pilot, 2)
        await until(pilot, lambda: "received ∂o/∂n = 0.5" in screen_text(app))
        text = screen_text(app)
        lines = text.splitlines()
        assert len(lines) == size[1]
        assert "neuron.py" in lines[0]
        assert "▶  n" in text


async def test_the_tabs_of_a_narrow_screen_show_each_pane() -> None:
    async with debugger(SCENARIOS / "neuron.py", (80, 24), twin=True) as (app, pilot):
        await step(app, pilot, 4)
        for key, expected in {
            "2": "0.5 · -3",
            "3": "before",
            "4": "MulBackward0",
            "5": "▶35",
            "6": "nothing printed",
            "7": "No findings",
        }.items():
            await pilot.press(key)
            await until(pilot, lambda expected=expected: expected in screen_text(app))
            assert "3 lea" in screen_text(app)  # a tab and its key are two words, whichever is open
        await pilot.press("1")
        await until(pilot, lambda: "▶  x1*w1" in screen_text(app))


async def test_folding_hides_and_stepping_reveals() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        await step(app, pilot, 3)
        await pilot.press("left")
        assert "x1*w1  " not in graph_text(app).replace("x1*w1 + x2*w2", "")
        await step(app, pilot)
        assert "▶  x1*w1" in graph_text(app)


# ------------------------------------------------------------------------- views of the graph


async def test_a_model_opens_by_module_and_stepping_unfolds_nothing() -> None:
    async with debugger(PROGRAMS / "blocks.py", (80, 24)) as (app, pilot):
        before = graph_text(app).splitlines()
        assert "blocks[0..7]" in "\n".join(before)
        await step(app, pilot, 12)
        rows = graph_text(app).splitlines()
        assert len(rows) == len(before)
        assert any(row.startswith("▶") and "blocks[0..7]  ▶ 7" in row for row in rows)
        await pilot.press("enter")  # the step's row is selected: it unfolds, and the cursor stays
        assert "▸ blocks[6]" in graph_text(app)
        assert app.state.cursor == Cursor(1, 12)
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: app.state.cursor == Cursor(2, 0))
        assert "▸ blocks[6]" in graph_text(app)  # in the next pass, too


async def test_v_goes_through_the_views_and_back_to_the_row_that_was_selected() -> None:
    async with debugger(PROGRAMS / "blocks.py", (80, 24)) as (app, pilot):
        graph = app.debugger.graph
        await step(app, pilot, 12)
        selected = graph.selected
        await pilot.press("v")
        assert "by execution order" in str(graph.border_title)
        rows = graph_text(app).splitlines()
        at = next(i for i, row in enumerate(rows) if "▶" in row)
        assert rows[at].split()[0] == "12"
        assert rows[at - 1].split()[:2] == ["11", "✓"]
        assert "›" in rows[at + 1]
        assert graph.selected == 11
        await pilot.press("v")
        assert str(graph.border_title).startswith("graph · ")
        assert "▶" in graph_text(app)
        await pilot.press("v")
        assert "by module" in str(graph.border_title)
        assert graph.selected == selected


async def test_what_is_searched_for_is_unfolded() -> None:
    async with debugger(PROGRAMS / "blocks.py", (80, 24)) as (app, pilot):
        await pilot.press("slash", *"blocks.3.up.bias", "enter")
        await until(pilot, lambda: "▾ up" in graph_text(app))
        assert "bias " in graph_text(app)
        selected = app.state.selected_node
        assert selected is not None
        assert selected.name == "net.blocks.3.up.bias"


async def test_the_table_of_norms_shows_where_the_gradient_vanishes() -> None:
    async with debugger(PROGRAMS / "blocks.py", (80, 24)) as (app, pilot):
        await pilot.press("c")
        await ended(app, pilot)
        await pilot.press("minus")
        await until(pilot, lambda: "34 parameters x pass" in screen_text(app))
        await until(pilot, lambda: "since 1" in screen_text(app))
        rows = pane(app, "norms").splitlines()
        assert rows[1].split()[0] == "net.head.bias"
        assert rows[1].split()[-1][0] in "▆▇█"
        assert rows[-1].split()[-3:] == ["▁▁", "since", "1"]
        assert "added to" in screen_text(app)  # the titles stay, wherever it is scrolled
        await click(app, pilot, "▁▁", "norms")
        await until(pilot, lambda: app.state.cursor == Cursor(2, 0))


# ------------------------------------------------------------------------------------ hints


async def test_a_hint_stands_at_its_step_and_the_panes_do_not_jump() -> None:
    async with debugger(SCENARIOS / "neuron.py", (80, 24)) as (app, pilot):
        assert "➤ The pass begins at o with a gradient of 1" in screen_text(app)
        panes = [app.debugger.graph, app.debugger.query_one("#step")]
        before = [pane.region for pane in panes]
        await step(app, pilot, 2)
        assert "A sum passes on what it received" in screen_text(app)
        assert [pane.region for pane in panes] == before
        await step(app, pilot)
        assert "➤" not in screen_text(app)  # no hint for step 3
        assert [pane.region for pane in panes] == before


async def test_a_program_without_hints_gives_their_place_to_the_panes() -> None:
    async with debugger(PROGRAMS / "shared_leaf.py", (80, 24)) as (app, _):
        assert not app.debugger.query_one("#hint").display


# --------------------------------------------------------------------------------- findings


async def test_x_jumps_to_a_finding_and_f_shows_all() -> None:
    async with debugger(SCENARIOS / "accumulation.py") as (app, pilot):
        await pilot.press("x")
        await until(pilot, lambda: "No finding" in screen_text(app))
        await pilot.press("c")
        await ended(app, pilot)
        assert app.state.cursor == Cursor(1, 2)
        assert "x goes there" in screen_text(app).splitlines()[1]
        await pilot.press("x")
        assert app.state.cursor == Cursor(1, 1)
        await pilot.press("n", "X")
        assert app.state.cursor == Cursor(1, 1)
        await pilot.press("N")
        await until(pilot, lambda: "x goes there" in screen_text(app).splitlines()[1])
        await pilot.press("x")
        assert app.state.cursor == Cursor(1, 1)
        await pilot.press("f")
        await until(pilot, lambda: "at fault" in pane(app, "findings"))
        assert "▶ overwritten-gradient" in pane(app, "findings")
        assert app.debugger.query_one("#findings").has_focus
        await pilot.press("N", "enter")
        assert app.state.cursor == Cursor(1, 1)
        await pilot.press("f")
        await until(pilot, lambda: not app.debugger.query_one("#findings").display)


async def test_an_alert_too_long_for_a_line_takes_two_and_keeps_its_point_and_its_key() -> None:
    async with debugger(SCENARIOS / "accumulation.py", (80, 24)) as (app, pilot):
        await step(app, pilot)
        await until(pilot, lambda: app.debugger.query_one("#alert").size.height == 2)
        lines = [line.rstrip() for line in screen_text(app).splitlines()[1:3]]
        assert "⚠ overwritten-gradient" in lines[0]
        assert lines[1].endswith("accumulating (+=) gives 2  f lists all")
        assert max(map(len, lines)) <= 80
        regions = [app.debugger.graph.region, app.debugger.query_one("#step").region]
        await pilot.press("N")  # a short alert: nothing jumps
        await until(pilot, lambda: "first at 1:1" in screen_text(app))
        assert [app.debugger.graph.region, app.debugger.query_one("#step").region] == regions


async def test_findings_give_way_to_what_was_there_and_the_lesson_stays() -> None:
    async with debugger(SCENARIOS / "accumulation.py") as (app, pilot):
        await step(app, pilot)
        await pilot.press("f")
        await until(pilot, lambda: app.debugger.query_one("#findings").display)
        assert app.debugger.query_one("#lesson").display
        await pilot.press("f")
        await until(pilot, lambda: app.debugger.query_one("#output").display)


# ------------------------------------------------------------------------------- gradients


async def test_what_a_waiting_node_has_been_sent_so_far_stands_in_the_graph() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        await step(app, pilot, 3)
        ends = {}
        for line in graph_text(app).splitlines()[2:]:
            words = line.replace("│", " ").replace("▁", " ").split()
            if "·" in line:
                ends[words[1]] = words[2:]
        assert ends["b"] == ["leaf", "6.88137", "0.5"]  # sent in step 2
        assert ends["x2*w2"] == ["*", "0", "0.5"]  # sent in this very step
        assert ends["x1"] == ["leaf", "2"]  # nothing has come yet


async def test_a_torch_leaf_that_waits_shows_what_it_was_sent_and_the_ledger_the_newest() -> None:
    async with debugger(SCENARIOS / "skip_connection.py", (120, 40)) as (app, pilot):
        await step(app, pilot, 2)
        assert "sent [1, 1]" in pane(app, "leaves")
        assert any("·  x" in line and "[1, 1]" in line for line in graph_text(app).splitlines())
        ledger = app.debugger.query_one("#ledger")
        rows = pane(app, "ledger").splitlines()
        newest = max(i for i, line in enumerate(rows) if "▶" in line)
        top = ledger.scroll_offset.y
        assert top <= newest < top + ledger.scrollable_content_region.height


async def test_torch_is_compared_where_the_step_sent() -> None:
    async with debugger(SCENARIOS / "accumulation.py", twin=True) as (app, pilot):
        await step(app, pilot)
        assert pane(app, "torch").splitlines()[-1].split() == ["a", "3", "2", "1", "≠", "-1"]
        assert pane(app, "leaves").splitlines()[1].startswith("= a")


# ------------------------------------------------------------------------------- one alone


async def test_digits_change_the_pane_that_stands_alone_and_escape_goes_back() -> None:
    async with debugger(SCENARIOS / "accumulation.py") as (app, pilot):
        await step(app, pilot)
        shown = lambda: [p.id for p in app.debugger.panes.children if p.display]  # noqa: E731
        before = shown()
        await pilot.press("m")
        await until(pilot, lambda: shown() == ["graph"])
        for key, name in {"2": "step", "8": "lesson", "9": "passes", "4": "torch"}.items():
            await pilot.press(key)
            await until(pilot, lambda name=name: shown() == [name])
        text = screen_text(app).splitlines()
        assert "accumulation.py" in text[0]
        assert "⚠ overwritten-gradient" in text[1]
        await until(pilot, lambda: "n Step" in screen_text(app).splitlines()[-1])
        await step(app, pilot)
        assert shown() == ["torch"]
        await pilot.press("escape")
        await until(pilot, lambda: shown() == before)
        await pilot.press("m")
        await until(pilot, lambda: len(shown()) == 1)
        await pilot.press("m")
        await until(pilot, lambda: shown() == before)


@pytest.mark.parametrize("size", [(120, 40), (160, 48)])
async def test_panes_take_what_their_content_needs_and_stay_where_they_are(size: tuple[int, int]) -> None:
    async with debugger(SCENARIOS / "neuron.py", size) as (app, pilot):
        await until(pilot, lambda: app.debugger.graph.region.height == 10 + 1 + 2)
        assert app.debugger.query_one("#leaves").region.height == 5 + 1 + 2
        places = [p.region for p in app.debugger.panes.children]
        for _ in range(10):
            await step(app, pilot)
            assert [p.region for p in app.debugger.panes.children] == places


# ----------------------------------------------------------------------------------- clicks


async def test_a_click_on_a_leaf_selects_its_node() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        await until(pilot, lambda: "x2" in pane(app, "leaves"))
        await click(app, pilot, "x2 ", "leaves")
        await until(
            pilot, lambda: app.state.selected_node is not None and app.state.selected_node.name == "x2"
        )
        assert "ledger of x2" in screen_text(app)


async def test_a_click_on_a_finding_goes_to_its_step() -> None:
    async with debugger(SCENARIOS / "accumulation.py") as (app, pilot):
        await pilot.press("c")
        await ended(app, pilot)
        await pilot.press("7")
        await until(pilot, lambda: "overwritten-gradient   at" in screen_text(app))
        await click(app, pilot, "overwritten-gradient   at", "findings")
        await until(pilot, lambda: app.state.cursor == Cursor(1, 1))


async def test_a_click_on_a_row_of_the_graph_selects_it() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        await click(app, pilot, "└─·  x2*w2", "graph")
        await until(pilot, lambda: app.state.selected_node is not None)
        assert app.state.selected_node is not None
        await until(pilot, lambda: app.state.selected_node.name == "x2*w2")  # type: ignore[union-attr]


# ------------------------------------------------------------------------- text and colours


async def test_y_copies_the_step_and_the_ledger_as_text() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        await step(app, pilot, 4)
        await pilot.press("y")
        assert "∂o/∂x1 += ∂o/∂(x1*w1) · w1 = 0.5 · -3 = -1.5" in app.clipboard
        assert "x1  1 of 1 contribution" in app.clipboard
        assert app.clipboard.startswith(" neuron.py".strip())


async def test_t_goes_through_the_themes_and_repaints() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        names, colours = [], []
        for _ in THEMES:
            names.append(app.theme)
            colours.append(app.debugger.graph.styles_by_role()["name"].color)
            await pilot.press("t")
            await pilot.pause()
        assert names == [theme.name for theme in THEMES]
        assert len(set(colours)) == len(THEMES)
        assert app.theme == THEMES[0].name


@pytest.mark.parametrize("name", ["light", "safe"])
async def test_a_theme_is_wished_for_in_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADTUI_THEME", name)
    async with debugger(SCENARIOS / "neuron.py", (80, 24)) as (app, pilot):
        assert app.theme == f"gradtui-{name}"
        await step(app, pilot, 2)
        assert "▶  n" in graph_text(app)


async def test_brackets_in_a_title_are_text() -> None:
    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        ledger = app.debugger.query_one("#ledger")
        ledger.entitle("ledger of x[bold]")  # type: ignore[attr-defined]
        await until(pilot, lambda: "ledger of x[bold]" in screen_text(app))


async def test_a_pane_that_takes_anothers_place_leaves_the_others_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A whole screen is some 100 KB to a terminal."""
    painted: list[Region] = []
    render = Compositor.render_update

    def recording(self: Compositor, *args: object, **options: object) -> object:
        painted.extend(self._dirty_regions)
        return render(self, *args, **options)  # type: ignore[arg-type]

    async with debugger(SCENARIOS / "neuron.py") as (app, pilot):
        await pilot.press("9")
        await until(pilot, lambda: app.debugger.query_one("#passes").has_focus)
        monkeypatch.setattr(Compositor, "render_update", recording)
        await pilot.press("minus")
        await until(pilot, lambda: app.debugger.query_one("#norms").has_focus)
        others = [app.debugger.query_one(f"#{name}").region for name in ("graph", "source", "step", "leaves")]
        assert painted
        assert not any(region.contains_region(other) for region in painted for other in others)
