"""Lesson, passes and neighbourhood: what they say, as text, and laws that hold whatever there is to draw."""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Sequence

import pytest
from graphs import OURS, Recipe, recipes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gradtui
from gradtui.scalar import Value
from gradtui.trace import Trace
from gradtui.trace.cursor import Cursor
from gradtui.trace.history import Curve, Losses
from gradtui.views import lesson, markdown, nearby, passes
from gradtui.views.braille import Axis, Line, Plot, extents, plot, scale_of
from gradtui.views.rows import text_of, width_of
from gradtui.views.state import State
from gradtui.wire.messages import Event, Node, PassBegan, PassEnded, Sent, Stepped

law = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

# ------------------------------------------------------------------------ markdown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", [("plain", "")]),
        ("a `b` c", [("a ", ""), ("b", "name"), (" c", "")]),
        ("**b** *e*.", [("b", "strong"), (" ", ""), ("e", "marked"), (".", "")]),
        ("``a`b``", [("a`b", "name")]),
        ("x1*w1 + x2*w2", [("x1*w1 + x2*w2", "")]),
        ("2 * a * b", [("2 * a * b", "")]),
        ("**kwargs and *args", [("**kwargs and *args", "")]),
        ("__init__ and _x_", [("__init__ and _x_", "")]),
        ("[text](https://e.org)", [("text", ""), (" (https://e.org)", "dim")]),
        ("x[0](y)", [("x", ""), ("0", ""), (" (y)", "dim")]),
        (r"\*no\*", [("*", ""), ("no", ""), ("*", "")]),
        ("an `open mark", [("an `open mark", "")]),
    ],
)
def test_marks_around_words_are_read_and_formulas_left_alone(text: str, shown: list[tuple[str, str]]) -> None:
    assert [(span.text, span.role) for span in markdown.inline(text)] == shown


DOCUMENT = """
A paragraph with `code`, and **bold
words** that go on over the line.

## Heading

- one item that has to go on below
- two
  - nested

3. third
4. fourth

```python
for x in y:

    print(x)
```

| run | loss | remark |
|-----|-----:|--------|
| on  | 0.0015 | learns it |
| off | 0.60 | 学習しない, ever |

> quoted, with a bar beside it
"""

SHOWN = """\
A paragraph with code, and
bold words that go on over
the line.

Heading

• one item that has to go on
  below
• two
  ◦ nested

3. third
4. fourth

  for x in y:

      print(x)

run  loss    remark
───  ──────  ───────────────
on   0.0015  learns it
off  0.60    学習しない,
             ever

▌ quoted, with a bar beside
▌ it"""


def test_a_document_with_every_kind_of_block() -> None:
    assert text_of(markdown.rows_of(DOCUMENT, 28)) == SHOWN


def test_code_behind_a_paragraph_is_kept_as_it_is() -> None:
    rows = markdown.rows_of("Like so:\n\n    b  =  a + a\n\n        deeper\n\nand on", 12)
    assert text_of(rows) == "Like so:\n\n  b  =  a + a\n\n      deeper\n\nand on"
    assert rows[2][0].role == "string"


def test_a_table_of_more_columns_than_fit_keeps_its_words() -> None:
    head = "|".join(f"c{i}" for i in range(12))
    rows = markdown.rows_of(f"{head}\n{'|'.join(['---'] * 12)}\n{head}", 30)
    assert Counter(re.findall(r"c\d+", text_of(rows))) == {f"c{i}": 2 for i in range(12)}
    assert max(map(width_of, rows)) <= 30


def letters(text: str) -> Counter[str]:
    return Counter(c for c in text if c.isalnum())


words = st.text(st.sampled_from("abcxyz019äß学習*_`[]()!#>-.,+=\\"), min_size=1, max_size=24)
lines = st.lists(words, max_size=9).map(" ".join)
texts = st.lists(
    st.tuples(
        st.sampled_from(["", "", "  ", "    ", "- ", "  * ", "1. ", "# ", "> ", "| ", "|-|"]), lines
    ).map("".join),
    max_size=12,
).map("\n".join)


@law
@given(texts, st.integers(8, 60))
def test_no_text_is_ever_lost(text: str, width: int) -> None:
    assert letters(text_of(markdown.rows_of(text, width))) == letters(text)
    assert letters(text_of(lesson.rows_of(text, None, width))) >= letters(text)


@law
@given(st.lists(words, min_size=1, max_size=40), st.integers(12, 60))
def test_paragraphs_keep_the_width(some: list[str], width: int) -> None:
    for block in ("", "- ", "> ", "1. ", "# "):
        text = block + "a " + " ".join(some)
        assert max(map(width_of, markdown.rows_of(text, width))) <= width


def test_the_lesson_begins_with_the_hint_then_the_title() -> None:
    rows = lesson.rows_of("Title\n\nText with *stress*.", "Look at `a.grad`:\nit stays 1.", 34)
    assert text_of(rows) == ("➤ at this step: Look at a.grad: it\n  stays 1.\n\nTitle\n\nText with stress.")
    assert rows[0][0].role == "now"
    assert rows[3][0].role == "strong"


def test_a_first_paragraph_of_two_lines_is_no_title() -> None:
    rows = lesson.rows_of("It begins\nat once.\n\nAnd goes on.", None, 40)
    assert text_of(rows) == "It begins at once.\n\nAnd goes on."
    assert {span.role for r in rows for span in r} == {""}


def test_without_a_docstring_it_says_so() -> None:
    assert "no lesson" in text_of(lesson.rows_of("", None, 60))


# ------------------------------------------------------------------------- braille


def test_a_falling_line() -> None:
    drawn = plot([Line([4.0, 3.0, 2.0, 1.0, 0.0], "A")], 24, 4, Axis(1, (3,), ("1", "5")))
    assert text_of(drawn.rows) == "\n".join(
        [
            "    │⠉⠒⠢⠤⣀⡀",
            " 2.5┤    ┊⠈⠉⠒⠢⠤⣀⡀",
            "   0┤    ┊      ⠈⠉⠒⠢⠤⣀ A",
            "    └ 1 ─▲───────×──── 5",
        ]
    )


def test_one_spike_among_many_points_is_seen() -> None:
    points = array("d", [1.0]) * 50_000
    points[31_007] = 9.0
    top = plot([Line(points)], 60, 6).rows[0]
    assert sum("⠀" < c <= "⣿" for c in text_of([top])) == 1


def test_a_wide_positive_range_is_logarithmic() -> None:
    assert plot([Line([1.0, 0.001])], 40, 8).log
    assert not plot([Line([1.0, 0.02])], 40, 8).log
    assert not plot([Line([1.0, 0.001, -0.1])], 40, 8).log
    assert "0.01┤" in text_of(plot([Line([1.0, 0.001])], 40, 12).rows)


def dots(drawn: Plot) -> list[bool]:
    """For each column of cells of the plot whether anything is drawn there."""
    rows = text_of(drawn.rows[:-1]).split("\n")
    start = re.search("[┤│]", rows[0]).end()  # type: ignore[union-attr]
    size = max(map(len, rows))
    return [any("⠀" < r[c : c + 1] <= "⣿" for r in rows) for c in range(start, size)]


def test_what_is_not_known_leaves_a_gap() -> None:
    seen = dots(plot([Line([1.0, 2.0, math.nan, math.nan, 2.0, 1.0])], 62, 5))
    assert seen[0]
    assert not any(seen[len(seen) * 3 // 10 : len(seen) * 7 // 10])
    assert seen[-1]


def test_lines_differ_without_colour() -> None:
    drawn = [
        text_of(plot([Line([0.0, 0.0, 1.0, 1.0] + [0.5] * 30, "", "name", pattern)], 60, 3).rows)
        for pattern in range(4)
    ]
    assert len(set(drawn)) == 4


finite = st.floats(allow_nan=True, allow_infinity=True)


@law
@given(
    st.lists(st.lists(finite, max_size=300), max_size=3),
    st.integers(20, 120),
    st.integers(2, 20),
    st.integers(0, 400),
)
def test_a_plot_has_exactly_its_size(series: list[list[float]], width: int, height: int, total: int) -> None:
    series_lines = [Line(points, "ABC"[i], "name", i) for i, points in enumerate(series)]
    marks = [i for points in series for i, p in enumerate(points) if math.isinf(p)]
    drawn = plot(series_lines, width, height, Axis(total // 2, marks, ("1", str(total)), total))
    assert len(drawn.rows) == height
    assert {width_of(r) for r in drawn.rows} == {width}


@law
@given(st.lists(finite, min_size=1, max_size=400), st.integers(2, 60))
def test_every_column_shows_the_extremes_of_its_points(points: list[float], columns: int) -> None:
    known = [p for p in points if math.isfinite(p)]
    scale = scale_of([(min(known), max(known))] if known else [], 8)
    if scale is None:
        return
    found = [e for e in extents(points, columns, len(points), scale) if e is not None]
    if len(points) > columns:
        assert (min(e[0] for e in found), max(e[1] for e in found)) == (min(known), max(known))
    for tick in scale.ticks:
        assert 0.0 <= scale.part(tick) <= 1.0


# ------------------------------------------------------------------------- history


def trained(times: int, rate: float = 0.1, anew: bool = False) -> Trace:
    """A slope is fitted; with `anew` each pass has a parameter object of its own."""
    with gradtui.record(twin=False) as trace:
        w = Value(3.0)
        for _ in range(times):
            w.grad = 0.0
            loss = (w * 2.0 - 1.0) ** 2
            loss.backward()
            w.data -= rate * w.grad
            if anew:
                w = Value(w.data)
    return trace


def losses_of(rate: float, times: int) -> list[float]:
    """The same in plain Python."""
    w, found = 3.0, []
    for _ in range(times):
        found.append((w * 2.0 - 1.0) ** 2)
        w -= rate * 2 * (w * 2.0 - 1.0) * 2.0
    return found


def leaf(trace: Trace, name: str, number: int = 1) -> Node:
    shown = trace.pass_numbered(number)
    assert shown is not None
    return next(node for node in shown.nodes.values() if node.name == name)


@pytest.mark.parametrize("anew", [False, True])
def test_losses_and_gradients_are_those_of_the_run(anew: bool) -> None:
    trace = trained(5, anew=anew)
    history = Losses(trace)
    history.catch_up()
    (series,) = history.series
    assert series.name == "loss"
    assert list(series.losses) == pytest.approx(losses_of(0.1, 5))
    column = history.leaf(series, leaf(trace, "w"))
    slopes = [4 * math.sqrt(x) for x in losses_of(0.1, 5)]
    assert list(column.added) == pytest.approx(slopes)
    assert list(column.after) == pytest.approx(slopes)
    assert history.whole(series, column)


def test_passes_that_are_known_are_not_read_again() -> None:
    trace = trained(6)
    later = trace.passes[4:]
    del trace.passes[4:]
    history = Losses(trace)
    history.catch_up()
    chosen = leaf(trace, "w")
    history.leaf(history.series[0], chosen)
    for known in trace.passes:
        known.nodes = {}  # reading the root of one again would fail
        known.runs = {}
    trace.passes.extend(later)
    history.catch_up()
    column = history.leaf(history.series[0], chosen)
    assert list(history.series[0].losses) == pytest.approx(losses_of(0.1, 6))
    assert all(map(math.isfinite, column.added))


def events(values: Sequence[float], ended: bool = True) -> list[Event]:
    """Passes of one node over one leaf, by hand: the last one may still be open."""
    found: list[Event] = []
    for number, value in enumerate(values, 1):
        root = Node(1, "sum", (2,), False, "loss", True, value)
        nodes = (root, Node(2, "", (), True, "w", True, 1.0))
        found.append(PassBegan(number, "scalar", (1,), nodes, before=((2, 0.0),)))
        sent = Sent(2, value, 0.0, value)
        found.append(Stepped(number, 1, 1, (1.0,), (sent,)))
        if ended or number < len(values):
            found.append(PassEnded(number))
    return found


def test_an_open_pass_is_read_again() -> None:
    stream = events([4.0, 2.0], ended=False)
    trace = Trace.of(stream[:-1])
    history = Losses(trace)
    history.catch_up()
    chosen = leaf(trace, "w")
    assert list(history.leaf(history.series[0], chosen).added)[:1] == [4.0]
    assert math.isnan(history.leaf(history.series[0], chosen).added[1])
    trace.fold(stream[-1])
    trace.fold(PassEnded(2))
    assert list(history.leaf(history.series[0], chosen).added) == [4.0, 2.0]


def test_losses_of_different_lines_are_different_series() -> None:
    with gradtui.record(twin=False) as trace:
        d, g = Value(1.0), Value(2.0)
        for _ in range(3):
            d_loss = d * d
            d_loss.backward()
            g_loss = g * g
            g_loss.backward()
    history = Losses(trace)
    history.catch_up()
    assert [(s.name, list(s.numbers)) for s in history.series] == [
        ("d_loss", [1, 3, 5]),
        ("g_loss", [2, 4, 6]),
    ]
    found = history.at(4)
    assert found == (history.series[1], 1)
    rows = text_of(passes.rows_of(State(trace, "gan.py", Cursor(4, 0)), history, [], None, 100, 20))
    assert rows.startswith("g_loss  pass 4: 4   2 of 3")
    assert re.search(r"also: d_loss at .*test_views.py:\d+, 3 passes from 1", rows)


# -------------------------------------------------------------------------- passes


def pane(
    trace: Trace, number: int, width: int, height: int, earlier: Sequence[Curve] = (), knobs: str = ""
) -> str:
    state = State(trace, "fit.py", Cursor(number, 1), knobs=knobs)
    rows = passes.rows_of(state, Losses(trace), earlier, None, width, height)
    assert len(rows) <= height
    assert all(width_of(r) <= width for r in rows)
    return text_of(rows)


def test_the_passes_in_a_small_pane() -> None:
    assert pane(Trace.of(events([8.0, 6.0, 4.0, 2.0, 0.0])), 2, 40, 12) == "\n".join(
        [
            "loss  pass 2: 6",
            "       │⠉⠒⠢⠤⣀⣀ ┊",
            "      5┤      ⠉⠑⠒⠤⢄⣀",
            "       │       ┊    ⠉⠑⠒⠢⢄⣀",
            "       │       ┊          ⠉⠑⠒⠤⢄⣀",
            "      0┤       ┊                ⠉⠉⠒⠢⠤⣀",
            "       └ 1 ────▲────────────────────── 5",
            "added to w: 6",
            "       │⠉⠑⠒⠒⠢⠤⠤⣀⣀⣀",
            "      5┤       ┊  ⠉⠉⠑⠒⠒⠢⠤⠤⣀⣀⡀",
            "      0┤       ┊            ⠈⠉⠉⠒⠒⠢⠤⠤⢄⣀",
            "       └ 1 ────▲────────────────────── 5",
        ]
    )


def test_one_pass_has_no_curve_and_says_so() -> None:
    text = pane(Trace.of(events([8.0])), 1, 60, 12)
    assert text.split("\n")[1] == "One pass so far: a curve needs two.   leaf: w"
    assert text.split("\n")[3].split() == ["▶", "1", "8", "8", "8"]


def test_two_runs_are_told_apart_by_letter_and_label() -> None:
    trace = trained(20)
    earlier = Losses(trained(20, rate=0.3))
    earlier.catch_up()
    text = pane(trace, 20, 80, 24, [earlier.series[0].curve("rate=0.3")], "rate=0.1")
    first, second = losses_of(0.1, 20)[-1], losses_of(0.3, 20)[-1]
    assert f"A ━━━ rate=0.1  last {first:.4g}\n" in text
    assert f"B ╺╸╺ rate=0.3  last {second:.4g}\n" in text
    drawn = text.split("added to")[0].split("\n")[3:]
    assert [r[-1] for r in drawn if r.endswith((" A", " B"))] == ["B", "A"]


def test_the_latest_of_the_earlier_runs_comes_first() -> None:
    trace = Trace.of(events([4.0, 2.0, 1.0]))
    known = Losses(trace)
    known.catch_up()
    key = known.series[0].key
    earlier = [Curve("first", array("d", [9.0, 7.0]), key), Curve("second", array("d", [9.0, 5.0, 3.0]), key)]
    text = pane(trace, 1, 60, 24, earlier)
    legend = [line.split() for line in text.split("\n")[1:4]]
    assert [(row[0], row[2], row[-1]) for row in legend] == [
        ("A", "this", "1"),
        ("B", "second", "3"),
        ("C", "first", "7"),
    ]


def test_a_curve_of_another_series_is_not_drawn_beside_this_one() -> None:
    trace = Trace.of(events([4.0, 2.0, 1.0]))
    other = Curve("other", array("d", [9.0, 7.0]), "train.py:40 penalty")
    assert "other" not in pane(trace, 1, 60, 24, [other])


def test_a_pass_with_a_finding_is_marked_in_the_table() -> None:
    trace = Trace.of(events([1.0, math.inf, math.nan, 2.0]))
    text = pane(trace, 2, 80, 30)
    marked = {f.pass_number for f in trace.findings}
    assert marked
    assert {int(m) for m in re.findall(r"⚠\s+(\d+) ", text)} == marked
    axes = [line for line in text.split("\n") if "└" in line]
    for line in axes:  # passes 2 and 3 of 4, the cursor at 2
        base = line[line.index("└") + 1 : line.rindex(" ")]
        assert re.fullmatch("─* 1 ─+▲×+─+", base)
        assert 0.3 < base.count("×") / len(base) < 0.37


def test_a_root_of_several_numbers_has_no_curve() -> None:
    stream = [e for e in events([1.0, 2.0]) if not isinstance(e, PassBegan)]
    roots = [
        PassBegan(
            n, "scalar", (1,), (Node(1, "sum", (2,), False, "y", True), Node(2, "", (), True, "w", True))
        )
        for n in (1, 2)
    ]
    text = pane(Trace.of([roots[0], *stream[:2], roots[1], *stream[2:]]), 1, 90, 24)
    assert "No curve: the value of y is not one number, or is not known." in text
    assert "added to w" in text


@law
@given(st.lists(finite, min_size=1, max_size=60), st.integers(20, 130), st.integers(1, 45), st.booleans())
def test_the_passes_fit_every_pane(values: list[float], width: int, height: int, before: bool) -> None:
    earlier = [Curve("an earlier run", array("d", values))] if before else []
    pane(Trace.of(events(values)), (len(values) + 1) // 2, width, height, earlier)


# -------------------------------------------------------------------------- nearby


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
        left, right = nearby.senders(state, shown, node.id, 99), nearby.targets(state, shown, node.id, 99)
        for side, up in ((left, True), (right, False)):
            nearby._add_hops(state, shown, side, 400, up)
            further = [e for hop in side.hops.values() for e in hop.edges]
            ends = {e.to if up else e.sender for e in further}
            assert len(ends) == len(side.hops)  # no neighbour's edges stand at two rows
