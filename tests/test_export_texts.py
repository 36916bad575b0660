"""Any text, name or number makes whole DOT and SVG, and stays in its box."""

from __future__ import annotations

import shutil
import subprocess
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import SIZES, Dot, box, boxes_in, cards_in, fields, plain, root_of
from running import PATIENCE

from gradtui.export.dot import dot
from gradtui.export.facts import Card, Link, Operation, Picture, clean
from gradtui.export.svg import svg

anything = st.text(st.characters(), max_size=40) | st.sampled_from(
    [
        'model["a"]',
        "a\\",
        'a\\"',
        "{x|y}<z>",
        "&lt;b&gt; & ]]>",
        "x1*w1\n+ b",
        "重み  Ünï",
        "\ud800",
        "a  b",
        "\\N\\G",
    ]
)
states = st.sampled_from(["waiting", "done", "now"])


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    texts = st.tuples(anything, anything).map(lambda pair: (clean(pair[0]), clean(pair[1])))
    cards = [
        Card(
            f"n{i}",
            clean(draw(anything)),
            clean(draw(anything)),
            tuple(draw(st.lists(texts, min_size=1, max_size=3))),
            draw(states),
            draw(st.booleans()),
            clean(draw(anything)),
        )
        for i in range(draw(st.integers(1, 4)))
    ]
    operations = [Operation("o1", clean(draw(anything)), draw(states))]
    ends = st.integers(0, len(cards) - 1)
    links = [
        Link(f"n{draw(ends)}", "o1", draw(states), clean(draw(anything)), draw(st.booleans()), carries=True)
        for _ in range(draw(st.integers(0, 4)))
    ]
    return Picture(
        clean(draw(anything)), clean(draw(anything)), tuple(cards), tuple(operations), tuple(links)
    )


@settings(deadline=None)
@given(pictures())
def test_dot_holds_any_text(made: Picture) -> None:
    read = Dot(dot(made))
    for c in made.cards:
        said = [c.title, c.subtitle, *(f"{label} {text}" for label, text in c.cells)]
        said.append(c.fault and f"⚠ {c.fault}")
        said[0] = ("▶ " if c.state == "now" else "") + said[0]
        assert fields(read.nodes[c.key]["label"]) == list(filter(None, said))
    assert plain(read.nodes["o1"]["label"]) == made.operations[0].text
    assert [plain(e[2].get("label", "")) for e in read.edges] == [link.text for link in made.links]


@settings(deadline=None)
@given(pictures())
def test_svg_holds_any_text(made: Picture) -> None:
    svg(made).encode("utf-8")
    root = root_of(svg(made))
    assert [t.text or "" for t in root.findall("./text")] == [made.caption, made.remark]
    sent = [t.text for t in root.findall("./g/text")]
    assert sorted(filter(None, sent)) == sorted(link.text for link in made.links if link.text)


@settings(deadline=None)
@given(pictures())
def test_svg_texts_stay_in_their_boxes_and_nothing_overlaps(made: Picture) -> None:
    text = svg(made)
    for group in cards_in(text):
        rect = group.find("rect")
        assert rect is not None
        left, top, right, bottom = box(rect)
        for line in group.findall("text"):
            words = "".join(line.itertext())
            width = len(words) * 0.6 * SIZES[line.get("class", "")]
            x, y = float(line.get("x", "0")), float(line.get("y", "0"))
            if line.get("class") == "op":
                x -= width / 2
            assert left + 4 <= x
            assert x + width <= right - 4
            assert top + 10 <= y <= bottom - 4
    for (a, b, c, d), (e, f, g, h) in combinations(boxes_in(text), 2):
        assert c <= e or g <= a or d <= f or h <= b


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@settings(deadline=None, max_examples=15)
@given(pictures())
def test_graphviz_reads_it(made: Picture) -> None:
    done = subprocess.run(["dot", "-Tcanon"], input=dot(made).encode(), capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, b"")
