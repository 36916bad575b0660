"""Pictures of a pass: what they say, that they are whole DOT and SVG, and what is said when there is none."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from running import PROGRAMS, gradtui
from test_imports import loaded

from gradtui.export.dot import dot
from gradtui.export.facts import Card, Link, Operation, Picture, clean, facts
from gradtui.export.graph import write
from gradtui.export.svg import svg
from gradtui.session.errors import BadInput
from gradtui.session.sources import trace_at
from gradtui.wire.codec import BadRecording

# ------------------------------------------------------------- reading DOT back

TOKEN = re.compile(r'\s+|([A-Za-z_][A-Za-z_0-9]*)|"((?:[^"\\]|\\.)*)"|(->|[\[\]{}=,;])', re.DOTALL)


def tokens(text: str) -> Iterator[tuple[str, str]]:
    """The words of a DOT file: (kind, text); anything else is no DOT."""
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        assert match, f"no DOT: {text[at : at + 40]!r}"
        at = match.end()
        name, quoted, sign = match.groups()
        if name is not None:
            yield "name", name
        elif quoted is not None:
            yield "text", quoted
        elif sign is not None:
            yield "sign", sign


class Dot:
    """A strict reader of the part of DOT that we write: one statement a time, attributes in quotes."""

    def __init__(self, text: str) -> None:
        self._tokens = list(tokens(text))
        self.nodes: dict[str, dict[str, str]] = {}
        self.edges: list[tuple[str, str, dict[str, str]]] = []
        self.defaults: dict[str, dict[str, str]] = {}
        assert [self._next("name"), self._next("name"), self._next("sign")] == ["digraph", "backward", "{"]
        while self._tokens[0] != ("sign", "}"):
            self._statement()
        assert self._tokens == [("sign", "}")]

    def _next(self, kind: str) -> str:
        found, text = self._tokens.pop(0)
        assert found == kind, (found, text)
        return text

    def _statement(self) -> None:
        name = self._next("name")
        if self._tokens[0] == ("sign", "->"):
            self._next("sign")
            self.edges.append((name, self._next("name"), self._attributes()))
        elif name in ("graph", "node", "edge"):
            self.defaults[name] = self._attributes()
        else:
            assert name not in self.nodes
            self.nodes[name] = self._attributes()
        assert self._next("sign") == ";"

    def _attributes(self) -> dict[str, str]:
        assert self._next("sign") == "["
        found: dict[str, str] = {}
        while True:
            name = self._next("name")
            assert self._next("sign") == "="
            found[name] = self._next("text")
            if self._next("sign") == "]":
                return found


def plain(label: str) -> str:
    """A label as Graphviz shows it: escapes and entities undone."""
    assert re.fullmatch(r"(?:[^\\&\"]|\\.|&amp;)*", label, re.DOTALL), label
    return re.sub(r"\\(.)", r"\1", label, flags=re.DOTALL).replace("&amp;", "&")


def fields(label: str) -> list[str]:
    """The fields of a record label `{ a | b }`."""
    assert label.startswith("{ ")
    assert label.endswith(" }")
    parts = re.split(r" (?<!\\)\| ", label[2:-2])
    assert not any(re.search(r"(?<!\\)(?:\\\\)*[{}|<>]", part) for part in parts), parts
    return [plain(part) for part in parts]


# ------------------------------------------------------------- reading SVG back


def root_of(text: str) -> ET.Element:
    return ET.fromstring(text.replace(' xmlns="http://www.w3.org/2000/svg"', ""))


def cards_in(text: str) -> list[ET.Element]:
    return root_of(text).findall(".//g[@class]")


def box(rect: ET.Element) -> tuple[float, float, float, float]:
    x, y, width, height = (float(rect.get(name, "0")) for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def boxes_in(text: str) -> list[tuple[float, float, float, float]]:
    """Cards, operations and labels, where they stand."""
    return [box(rect) for rect in root_of(text).findall("./g//rect")]


SIZES = {"title": 13, "subtitle": 11, "key": 10, "number": 12, "gradient": 12, "op": 14, "why": 11}

# --------------------------------------------------------------------- pictures


def picture(source: str, at: str | None = None, **settings: str) -> Picture:
    trace, cursor = trace_at(source, at, settings)
    return facts(trace, cursor, marked=at is not None)


def card(made: Picture, title: str) -> Card:
    (found,) = [c for c in made.cards if c.title == title]
    return found


def test_the_neuron_is_the_picture_of_the_lecture() -> None:
    made = Dot(dot(picture("neuron")))
    shown = {tuple(fields(node["label"])) for node in made.nodes.values() if "ecord" in node["shape"]}
    assert ("x1", "data 2.0000", "grad -1.5000") in shown
    assert ("w2", "data 1.0000", "grad 0.0000") in shown
    assert ("x1*w1 + x2*w2", "data -6.0000", "grad 0.5000") in shown
    assert ("o", "data 0.7071", "grad 1.0000") in shown
    operations = [n["label"] for n in made.nodes.values() if n["shape"] == "ellipse"]
    assert sorted(operations) == ["*", "*", "+", "+", "tanh"]
    assert made.defaults["graph"]["rankdir"] == "LR"
    labels = [attributes.get("label", "") for _, _, attributes in made.edges]
    assert len(made.edges) == 14
    assert labels.count("") == 5, "an operation and its result are one node: nothing is sent between them"
    assert sorted(filter(None, labels)) == sorted(["← 0.5000"] * 6 + ["← -1.5000", "← 1.0000", "← 0.0000"])


def test_at_a_step_the_rest_is_pale() -> None:
    made = picture("neuron", "4")
    states = {c.title: c.state for c in made.cards}
    assert states == {
        **dict.fromkeys(["o", "n", "x1*w1 + x2*w2"], "done"),
        "x1*w1": "now",
        **dict.fromkeys(["x2*w2", "x1", "w1", "x2", "w2", "b"], "waiting"),
    }
    now = [link for link in made.links if link.state == "now"]
    assert [link.text for link in now] == ["", "← -1.5000", "← 1.0000"]
    waiting = [link for link in made.links if link.state == "waiting"]
    assert not any(link.text for link in waiting)
    assert made.remark == "step 4 of 10: * x1*w1"


def test_before_the_first_step_nothing_is_known() -> None:
    made = picture("neuron", "0")
    assert {c.state for c in made.cards} == {"waiting"}
    assert card(made, "o").cells[-1] == ("grad", "–")
    assert not any(link.text for link in made.links)


def test_a_value_used_twice_has_two_arrows() -> None:
    made = picture("accumulation")
    a = card(made, "a")
    assert a.cells == (("data", "3.0000"), ("grad", "1.0000"))
    assert a.leaf
    assert a.state == "done"
    assert [link.text for link in made.links if link.source == a.key] == [
        "← 1.0000",
        "← 1.0000 overwrote 1.0000",
    ]
    assert card(made, "b").fault == "overwritten-gradient"
    text = svg(made)
    paths = [
        path.get("d") for path in root_of(text).findall("./g/path") if "head" not in path.get("class", "")
    ]
    assert len(paths) == len(set(paths)) == 3
    assert "overwritten-gradient" in text


def test_a_knob_is_set() -> None:
    made = picture("accumulation", repaired="on")
    assert card(made, "a").cells[-1] == ("grad", "2.0000")
    assert not any(c.fault for c in made.cards)


def test_a_torch_graph_shows_its_backward_functions() -> None:
    made = picture("torch_neuron")
    assert not made.operations
    assert card(made, "x1").subtitle == "AccumulateGrad"
    assert card(made, "x1").cells == (("value", "2.0000"), ("grad", "-1.5000"))
    assert card(made, "n").subtitle == "AddBackward0"
    assert len(made.links) == 9
    assert sum(c.leaf for c in made.cards) == 5


LINEAR = """
import torch
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
for _ in range(50):
    with open("passes", "a") as file:
        file.write("x")
    net.zero_grad()
    loss = net(torch.ones(5, 3)).pow(2).mean()
    loss.backward()
"""


@pytest.fixture
def linear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "linear.py"
    program.write_text(LINEAR)
    return program


def test_a_tensor_shows_shape_and_norm(linear: Path) -> None:
    trace, _ = trace_at(str(linear), None, {})
    made = facts(trace, trace_at(str(linear), None, {})[1])
    weight = card(made, "net.0.weight")
    leaf = trace.passes[0].leaves["net.0.weight"]
    assert weight.cells[0][1].startswith("4x3 ‖")
    assert weight.cells[1] == ("grad", f"‖{leaf.after.norm:.4g}‖")  # type: ignore[union-attr]
    relu = card(made, "ReluBackward0")
    assert relu.subtitle == "in net.1"
    assert re.fullmatch(r"5x4 ‖[\d.]+‖", relu.cells[-1][1])


def test_a_program_runs_no_further_than_it_must(linear: Path, tmp_path: Path) -> None:
    trace, cursor = trace_at(str(linear), "2:3", {})
    assert (cursor.number, cursor.step) == (2, 3)
    assert trace.passes[1].ended is not None
    assert len((tmp_path / "passes").read_text()) <= 3
    _, at_end = trace_at(str(linear), "2:end", {})
    assert (at_end.number, at_end.step) == (2, len(trace.passes[1].messages))


SKIPS_LEAVES = """
class Value:
    def __init__(self, data, _prev=(), _op=""):
        self.data, self.grad, self._prev, self._op = data, 0.0, _prev, _op
        self._backward = lambda: None

    def __mul__(self, other):
        out = Value(self.data * other.data, (self, other), "*")

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def backward(self):
        self.grad = 1.0
        self._backward()


x, y = Value(2.0), Value(3.0)
z = x * y
z.backward()
"""


def test_leaves_that_the_engine_never_runs_are_done_when_the_pass_is(tmp_path: Path) -> None:
    program = tmp_path / "skips.py"
    program.write_text(SKIPS_LEAVES)
    made = picture(str(program))
    assert [(c.title, c.cells[-1][1], c.state) for c in made.cards] == [
        ("z", "1.0000", "done"),
        ("x", "3.0000", "done"),
        ("y", "2.0000", "done"),
    ]
    assert {c.state for c in picture(str(program), "0").cards} == {"waiting"}


def test_a_pass_that_breaks_off_is_shown_as_far_as_it_came() -> None:
    made = picture(str(PROGRAMS / "raises_in_pass.py"))
    assert re.fullmatch(r"step \d+ of \d+: .+; the pass broke off: \w+Error: .+", made.remark), made.remark
    assert any(c.state == "waiting" for c in made.cards)
    assert any(c.state == "done" for c in made.cards)


def test_end_is_the_end_of_the_run(linear: Path) -> None:
    trace, cursor = trace_at(str(linear), "end", {})
    assert cursor.number == 50
    assert trace.exited is not None
    assert trace.exited.code == 0


# ----------------------------------------------------------------------- files


def test_a_recording_gives_the_same_picture_without_torch(linear: Path, tmp_path: Path) -> None:
    recording = tmp_path / "run.trace"
    # `full`: stopping programs tell more of their tensors than running ones do; neither is drawn
    assert gradtui("run", "--headless", "--out", recording, linear).code == 0
    for name in ("a.svg", "a.dot"):
        assert write(str(linear), tmp_path / name, "2:6", {}) == 0
        assert write(str(recording), tmp_path / f"b{name}", "2:6", {}) == 0
        assert (tmp_path / name).read_text() == (tmp_path / f"b{name}").read_text()
    code = "from gradtui.cli import main\nimport sys\ntry:\n    main(sys.argv[1:])\nexcept SystemExit as e:\n    assert not e.code"
    modules = loaded(code, "export", recording, tmp_path / "c.svg")
    assert "gradtui.export.svg" in modules
    assert not modules & {"torch", "textual", "numpy", "gradtui.probe"}


def test_the_same_twice(tmp_path: Path) -> None:
    for name in ("neuron.svg", "neuron.dot"):
        write("neuron", tmp_path / name, "4", {})
        first = (tmp_path / name).read_bytes()
        write("neuron", tmp_path / name, "4", {})
        assert (tmp_path / name).read_bytes() == first


@pytest.mark.parametrize(
    ("source", "file", "at", "says"),
    [
        ("neuron", "x.png", None, "ends in .png: name it FILE.svg"),
        ("neuron", "x", None, "has no ending"),
        ("neuron", "no/such/x.svg", None, "cannot write no/such/x.svg: No such file"),
        ("no_such_lesson", "x.svg", None, "no such file: no_such_lesson"),
        (str(PROGRAMS / "no_backward.py"), "x.svg", None, "has no backward pass to show"),
        (str(PROGRAMS / "broken_import.py"), "x.svg", None, "has no backward pass to show: "),
        ("neuron", "x.svg", "11", "--at 11: pass 1 of neuron has 10 steps"),
        ("neuron", "x.svg", "2:1", "--at 2:1: there is no pass 2; neuron has 1 pass"),
        ("neuron", "x.svg", "0:1", "--at 0:1: passes count from 1"),
        ("neuron", "x.svg", "soon", "--at soon: no position"),
        ("neuron", "x.svg", "-1", "--at -1: no position"),
    ],
)
def test_what_will_not_do_is_said(
    source: str, file: str, at: str | None, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=re.escape(says)):
        write(source, Path(file), at, {})
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_what_is_no_recording_and_no_program(tmp_path: Path) -> None:
    stranger = tmp_path / "run.trace"
    stranger.write_bytes(b"something else")
    with pytest.raises(BadInput, match="neither a Python program nor a recording"):
        write(str(stranger), tmp_path / "x.svg", None, {})
    stranger.write_bytes(b"gradtui trace\n\0\0\0\1")
    with pytest.raises(BadRecording, match="truncated"):
        write(str(stranger), tmp_path / "x.svg", None, {})
    with pytest.raises(BadInput, match="is a recording; knobs"):
        write(str(stranger), tmp_path / "x.svg", None, {"a": "1"})
    source = tmp_path / "program.svg"
    source.write_text("")
    with pytest.raises(BadInput, match="it is the source"):
        write(str(source), source, None, {})


def test_by_the_command(tmp_path: Path) -> None:
    done = gradtui("export", "neuron", tmp_path / "n.gv", "--at", "2")
    assert (done.code, done.out, done.err) == (0, b"", b"")
    assert Dot((tmp_path / "n.gv").read_text()).nodes
    failed = gradtui("export", "neuron", tmp_path / "n.svg", "--at", "99")
    assert (failed.code, failed.out) == (2, b"")
    assert failed.error == "gradtui: --at 99: pass 1 of neuron has 10 steps\n"


def test_a_graph_too_large_for_an_svg_is_a_dot_still(tmp_path: Path) -> None:
    program = tmp_path / "deep.py"
    program.write_text(
        "from gradtui.scalar import Value\nx = Value(1.0)\nfor _ in range(3001):\n    x = x.tanh()\nx.backward()\n"
    )
    with pytest.raises(BadInput, match=r"an SVG holds at most 3,000: write a FILE\.dot"):
        write(str(program), tmp_path / "x.svg", None, {})
    write(str(program), tmp_path / "x.dot", None, {})
    assert len(Dot((tmp_path / "x.dot").read_text()).nodes) == 2 * 3001 + 1


# -------------------------------------------------------------- hostile texts

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
    done = subprocess.run(["dot", "-Tcanon"], input=dot(made).encode(), capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_places_are_the_same_at_every_step() -> None:
    trace, end = trace_at("neuron", None, {})
    last = facts(trace, end)
    seen = set()
    for step in range(end.step + 1):
        text = svg(facts(trace, type(end)(1, step)), last)
        seen.add(tuple(box(g.find("rect")) for g in cards_in(text)))  # type: ignore[arg-type]
    assert len(seen) == 1


STRAYS = """
from gradtui.scalar import Value
c = Value(1.0)
a = Value(2.0)
b = a * c
out = b + c
inner = b._backward
def backward():
    inner()
    out.grad += 5.0
b._backward = backward
out.backward()
"""


def test_a_write_that_is_no_edge_of_the_graph_is_dotted(tmp_path: Path) -> None:
    program = tmp_path / "strays.py"
    program.write_text(STRAYS)
    made = picture(str(program))
    stray = [link for link in made.links if link.stray]
    assert [link.text for link in stray] == ["← 5.0000"]
    assert len(root_of(svg(made)).findall('.//path[@class="done stray"]')) == 1
    assert 'style="dotted"' in dot(made)
