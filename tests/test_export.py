"""A picture of a pass says what happened in it: values, gradients, states, faults."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pictures import Dot, box, card, cards_in, fields, picture, root_of
from running import PROGRAMS, gradtui, loaded

from gradtui.export.dot import dot
from gradtui.export.facts import facts
from gradtui.export.graph import write
from gradtui.export.svg import svg
from gradtui.session.sources import trace_at


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
