"""Looking into the program where it stands: figures, slices and pictures of tensors are torch's own; watches."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from dialogue import answers
from standing import Script, stand
from tui import PROGRAMS, debugger, screen_text, step, until

from gradtui.probe.pytorch import looking
from gradtui.probe.pytorch.looking import look
from gradtui.probe.slices import parse_slice
from gradtui.scalar import Value
from gradtui.trace import Trace
from gradtui.trace.cursor import Cursor
from gradtui.trace.figures import recorded
from gradtui.trace.names import symbol
from gradtui.tui.inspect_screen import InspectScreen
from gradtui.views import choices, heat, tensor, watch
from gradtui.views.choices import tensors_of
from gradtui.views.rows import HEAT, text_of, width_of
from gradtui.views.state import State
from gradtui.wire.messages import Bins, Go, Grid, Inspect, Inspected, Replace, Summary, Watch

# ------------------------------------------------------------------------- slices

WHOLE = torch.arange(2.0 * 5 * 7).reshape(2, 5, 7)


@pytest.mark.parametrize(
    "text",
    ["[0, :, 3]", "[..., -1]", "[::2]", "1", ":, 1:4:2", "[...]", "[0,0,0]", "[-1, ..., :3]", "[ 0 , ]"],
)
def test_a_slice_is_what_python_makes_of_it(text: str) -> None:
    wanted = eval(f"WHOLE[{text.strip().strip('[]')}]")
    assert torch.equal(WHOLE[parse_slice(text)], wanted)
    assert parse_slice("") == parse_slice(" [] ") == ()


@pytest.mark.parametrize(
    "text", ["[x]", "[0.5]", "[1:2:3:4]", "[::-1]", "[::0]", "[..., ...]", "[a:b]", "[1 2]"]
)
def test_what_is_no_slice_is_refused_and_never_run(text: str) -> None:
    with pytest.raises(ValueError, match=r"slice|two"):
        parse_slice(text)


# ------------------------------------------------------------------------ figures

torch.manual_seed(7)
TENSORS = {
    "floats": torch.randn(40, 30),
    "halves": torch.randn(100).half(),
    "integers": torch.arange(-5, 20),
    "bools": torch.tensor([True, False, True]),
    "a transpose": torch.randn(90, 70).T,
    "a stride": torch.randn(200, 60)[::3, 1::2],
    "one number": torch.tensor(3.5),
    "all the same": torch.full((70, 80), 2.0),
    "not finite": torch.tensor([1.0, math.nan, math.inf, -math.inf, 0.0, -2.0] * 1000),
    "nothing finite": torch.full((5000,), math.nan),
    "huge and tiny": torch.tensor([1e300, -1e300, 1e-300, 5e-324, 0.0] * 1000, dtype=torch.float64),
    "complex": torch.randn(6, 7, dtype=torch.complex64),
    "empty": torch.zeros(0, 3),
    "three dimensions": torch.randn(3, 70, 90),
    "a long vector": torch.randn(9000),
}


@pytest.mark.parametrize("name", TENSORS)
@pytest.mark.parametrize("piece", [1 << 20, 64])
def test_figures_and_bars_are_torchs(name: str, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "PIECE", piece)
    whole = TENSORS[name]
    seen = Inspected(1, 1, name, **look(whole))
    flat = (whole.abs() if whole.is_complex() else whole).double().reshape(-1)
    finite = flat[flat.isfinite()]
    figures = seen.figures
    assert figures is not None
    assert seen.shape == seen.part == tuple(whole.shape)
    assert (figures.count, figures.nan) == (flat.numel(), int(flat.isnan().sum()))
    assert figures.infinite == int(flat.isinf().sum())
    assert figures.zeros == int((finite == 0).sum())
    if not finite.numel():
        assert (figures.min, figures.norm, seen.bins, seen.decades) == (None, None, None, None)
        return
    assert (figures.min, figures.max) == (finite.min().item(), finite.max().item())
    assert figures.mean == pytest.approx(math.fsum(finite.tolist()) / finite.numel(), rel=1e-9, abs=1e-9)
    assert figures.norm == pytest.approx(math.hypot(*finite.tolist()), rel=1e-9)
    size = finite.abs().max().item() or 1.0
    assert figures.std == pytest.approx(size * (finite / size).std(correction=0).item(), rel=1e-6, abs=1e-9)
    assert sum(_bins(seen.bins).counts) == finite.numel()
    assert (_bins(seen.bins).edges[0], _bins(seen.bins).edges[-1]) == (figures.min, figures.max)
    assert sum(_bins(seen.decades).counts) == int((finite != 0).sum())
    if len(_bins(seen.bins).counts) > 1 and name != "huge and tiny":
        wanted = torch.histc(finite, len(_bins(seen.bins).counts), figures.min, figures.max)
        assert sum(abs(a - b) for a, b in zip(_bins(seen.bins).counts, wanted.tolist())) <= 2  # at an edge


def _bins(bins: Bins | None) -> Bins:
    assert bins is not None
    return bins


def test_a_picture_of_a_large_matrix_keeps_what_is_large_and_what_is_not_a_number() -> None:
    large = torch.randn(300, 200) * 1e-3
    large[123, 77], large[10, 150], large[299, 199] = -50.0, math.nan, 30.0
    seen = Inspected(1, 1, "large", **look(large))
    assert seen.grid is not None
    assert seen.picture is not None
    assert (seen.grid.rows, seen.grid.columns) == (64, 64)
    assert list(seen.grid.values[:64]) == large[0, :64].tolist()
    assert "first 64x64 of 300x200" in seen.note
    cells = seen.picture.values
    assert {-50.0, 30.0} <= set(cells)
    assert sum(math.isnan(cell) for cell in cells) == 1
    for width, height in ((140, 70), (40, 20), (20, 6)):
        rows = tensor.face_rows(seen, "heatmap", width, height)
        assert len(rows) <= height
        assert all(width_of(r) <= width for r in rows[heat.LEGEND :])
        roles = {span.role for r in rows[heat.LEGEND :] for span in r}
        assert {HEAT[0], HEAT[-2], "bad"} <= roles


@pytest.mark.parametrize("count", [4_097, 5_000, 70_001])
def test_a_picture_of_a_vector_leaves_nothing_out(count: int) -> None:
    vector = torch.zeros(count)
    vector[0], vector[-1], vector[count // 2] = 7.0, math.nan, -9.0
    picture = Inspected(1, 1, "vector", **look(vector)).picture
    assert picture is not None
    assert len(picture.values) == picture.rows * picture.columns
    assert {7.0, -9.0} <= set(picture.values)
    assert math.isnan(picture.values[-1])


def test_a_slice_narrows_everything() -> None:
    seen = Inspected(1, 1, "w", "[0, :, 3]", **look(WHOLE, "[0, :, 3]"))
    assert (seen.shape, seen.part) == ((2, 5, 7), (5,))
    assert seen.grid == Grid(1, 5, tuple(WHOLE[0, :, 3].tolist()))
    assert seen.figures is not None
    assert seen.figures.max == WHOLE[0, :, 3].max()
    assert "this slice: [5]" in text_of(tensor.head(seen, None, 80))


def test_what_cannot_be_read_says_why() -> None:
    assert look(torch.empty(3, device="meta"))["note"] == "meta: its entries are not read"
    sparse = look(torch.eye(3).to_sparse())
    assert sparse["figures"].zeros == 6
    assert "sparse" in sparse["note"]
    with pytest.raises(IndexError, match="out of bounds"):
        look(WHOLE, "[9]")


# ------------------------------------------------------------------- at a live stop


def net() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2))
    x = torch.randn(5, 3)
    for _ in range(2):
        h = model(x)
        loss = torch.sigmoid(h).mean()
        loss.backward()
    return dict(model.state_dict(), x=x)


def node(trace: Trace, name: str) -> int:
    return next(n.id for n in trace.passes[-1].nodes.values() if symbol(n) == name)


def values(answer: list[Any]) -> list[float]:
    (seen,) = answer
    assert seen.error == "", seen.error
    return [] if seen.grid is None else list(seen.grid.values)


def test_every_tensor_still_alive_can_be_read() -> None:
    grabbed: dict[str, list[float]] = {}

    def script(trace: Trace) -> Script:
        (seen,) = yield Inspect(1, 0, "")
        assert seen.what == "received[0]"
        assert seen.readable[:2] == ("received[0]", "output")
        (seen,) = yield Inspect(2, 0, "sent[0]")
        assert "there is no sent[0] here" in seen.error
        weight = node(trace, "model.0.weight")
        grabbed["0.weight"] = values((yield Inspect(3, weight, "value")))
        grabbed["x"] = values((yield Inspect(4, 0, "x[1:]", "[:, 0]")))
        norm = next(n for n in trace.passes[-1].nodes.values() if n.op.startswith("NativeBatchNorm"))
        grabbed["1.running_mean"] = values((yield Inspect(5, norm.id, "buffer.running_mean")))
        (seen,) = yield Inspect(6, weight, "grad")
        assert "not there" in seen.error
        (seen,) = yield Inspect(7, weight, "received[0]")
        assert "not there at this stop" in seen.error
        for what, part, why in (
            ("x", "[9]", "out of bounds"),
            ("x", "[y]", "no slice"),
            ("1/0", "", "ZeroDiv"),
        ):
            (seen,) = yield Inspect(8, 0, what, part)
            assert why in seen.error
        (seen,) = yield Inspect(9, 99_999, "value")
        assert "no node 99999" in seen.message
        yield Go("pass")
        grabbed["grad"] = values((yield Inspect(10, weight, "grad")))
        (seen,) = yield Inspect(11, 0, "'text'")
        assert seen.text == "'text'"

    trace, state = stand(net, script)
    assert grabbed["0.weight"] == state["0.weight"].reshape(-1).tolist()
    assert grabbed["x"] == state["x"][1:, 0].tolist()
    assert len(grabbed["1.running_mean"]) == 4
    leaf = trace.passes[1].nodes[node(trace, "model.0.weight")]
    before = trace.passes[1].before[leaf.id]
    assert isinstance(before, Summary)
    assert tuple(grabbed["grad"]) == before.values


def test_at_the_end_of_a_pass_the_programs_variables_can_still_be_read() -> None:
    def script(trace: Trace) -> Script:
        while trace.stops.newest.reason != "pass end":
            yield Go("step")
        (seen,) = yield Watch(("loss", "g"))
        assert isinstance(seen.values[0].value, Summary)
        assert "NameError" in seen.values[1].error
        assert len(values((yield Inspect(1, 1, "model[0].weight.grad", "[0]")))) == 3
        (seen,) = yield Inspect(2, 1, "received[0]")
        assert "not there at this stop" in seen.error
        (refused,) = yield Replace(0, "g")
        assert "no node is about to run" in refused.message

    stand(net, script)


def test_looking_leaves_no_trace_in_the_program() -> None:
    def looks(trace: Trace) -> Script:
        while trace.stops.newest.next is not None:
            for name in (yield Inspect(1, 0, ""))[0].readable:
                yield Inspect(1, 0, name, "[0]")
            yield Watch(("(g * g).sum()", "model(x).sum()", "x.requires_grad"))
            yield Go("step")

    trace, state = stand(lambda: [p.clone() for p in _gradients()], looks)
    assert all(torch.equal(a, b) for a, b in zip(state, _gradients()))
    assert trace.passes.begun == 1


def _gradients() -> list[torch.Tensor]:
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    x = torch.randn(5, 3)
    model(x).pow(2).mean().backward()
    return [p.grad for p in model.parameters()]


def test_a_scalar_engines_numbers_can_be_read() -> None:
    def program() -> None:
        a = Value(3.0)
        (a * a).backward()

    def script(trace: Trace) -> Script:
        (seen,) = yield Inspect(1, 0, "")
        assert (seen.what, seen.grid) == ("received[0]", Grid(1, 1, (1.0,)))
        assert values((yield Inspect(2, node(trace, "a"), "value"))) == [3.0]
        assert values((yield Inspect(3, 0, "a.data + 1"))) == [4.0]

    stand(program, script)


# ------------------------------------------------------------------------ watching


def test_watched_expressions_are_told_at_every_stop_and_travel_with_the_cursor() -> None:
    def script(trace: Trace) -> Script:
        (first,) = yield Watch(("g.sum()", "loss", "h.shape", "1/0", "a b"))
        assert [s.error.partition(":")[0] for s in first.values[3:]] == [
            "ZeroDivisionError",
            "no Python expression",
        ]
        assert first.values[2].text == "torch.Size([5, 2])"
        yield Go("step")
        yield Go("step")
        yield Watch(("loss",))
        yield Go("pass")

    trace, _ = stand(net, script)
    state = State(trace, "net", Cursor(1, 0))
    assert len(watch.seen_at(state)) == 5
    received = [m.received[0] for m in trace.passes[0].messages[:2]]
    for at, value in enumerate(received):
        seen = watch.seen_at(State(trace, "net", Cursor(1, at)))
        assert isinstance(seen[0].value, Summary)
        assert isinstance(value, Summary)
        assert seen[0].value.values == pytest.approx((math.fsum(value.values or ()),))
    assert [s.expression for s in watch.seen_at(State(trace, "net", Cursor(1, 2)))] == ["loss"]
    assert "at " not in text_of(watch.rows_of(State(trace, "net", Cursor(1, 2)), 60))
    later = text_of(watch.rows_of(State(trace, "net", Cursor(1, 3)), 60))
    assert later.startswith("loss = ")
    assert later.rstrip().endswith("at 1:2")  # the program did not stop at 1:3: nobody asked there
    assert "! ZeroDivisionError" in text_of(watch.rows_of(state, 60))


# ---------------------------------------------------------------------------- views


def test_what_was_recorded_is_shown_as_far_as_it_goes() -> None:
    small = recorded(1, "sent[0]", Summary((2, 2), "float32", "cpu", norm=2.0, values=(1.0, -1.0, 1.0, -1.0)))
    assert "1" in text_of(tensor.face_rows(small, "values", 40, 10))
    large = recorded(1, "sent[0]", Summary((9000,), "float32", "cpu", norm=2.0))
    assert "its norm only; at a live stop all of it can be read" in text_of(tensor.head(large, None, 200))
    for face in tensor.FACES:
        assert text_of(tensor.face_rows(large, face, 40, 10)) == "its entries were not recorded"
    trace, _ = stand(net, lambda _: iter(()))  # type: ignore[arg-type,return-value]
    run = trace.passes[0]
    state = State(trace, "net", Cursor(1, len(run.messages)))
    ran = next(n for n in run.nodes.values() if symbol(n) == "h")
    assert [t.name for t in tensors_of(state, ran, ())][:2] == ["received[0]", "sent[0]"]


def test_at_a_stop_what_is_gone_is_not_said_to_be_there() -> None:
    """The node that has just run: its gradient is freed, and the one that can be read is named."""
    told = []

    def script(trace: Trace) -> Script:
        yield Go("step")
        stop, run = trace.stops.newest, trace.passes[0]
        state = State(trace, "net", Cursor(1, 1), stopped=stop)
        ran = run.nodes[run.messages[0].node]
        large = recorded(ran.id, "received[0]", Summary((9000,), "float32", "cpu", norm=2.0))
        told.append(choices.gone(large, state, "n shows it").note)
        told.append(choices.gone(large, replace(state, stopped=None), "n shows it").note)
        told.append(choices.never(state, ran, "received[5]"))
        told.append(choices.never(state, ran, "received[0]"))
        told.append(f"about to run is node {stop.next} (")

    stand(net, script)
    at_stop, later, fifth, first, coming = told
    assert "live stop" not in at_stop
    assert coming in at_stop
    assert at_stop.endswith(": n shows it")
    assert later.endswith("at a live stop all of it can be read")
    assert fifth == "there is no received[5]: the node received 1 gradient"
    assert first == ""


def test_numbers_stand_in_a_table_with_their_places() -> None:
    seen = Inspected(1, 1, "w", **look(WHOLE))
    lines = text_of(tensor.face_rows(seen, "values", 80, 40)).splitlines()
    assert lines[0].split() == [str(k) for k in range(7)]
    assert lines[6].split() == ["1,0", *[f"{v:g}" for v in WHOLE[1, 0].tolist()]]
    narrow = text_of(tensor.face_rows(seen, "values", 20, 40))
    assert "a slice such as [:, " in narrow
    vector = Inspected(1, 1, "v", **look(torch.arange(25.0)))
    assert text_of(tensor.face_rows(vector, "values", 60, 40)).splitlines()[1].split()[0] == "10"


# ---------------------------------------------------------------------------- faces


async def test_the_screen_shows_slices_expressions_and_views_and_what_was_recorded() -> None:
    async with debugger(PROGRAMS / "linear.py", twin=False, size=(100, 30)) as (app, pilot):
        await pilot.press("W", *"loss", "enter")
        await until(pilot, lambda: "◉ loss = " in screen_text(app))
        await step(app, pilot)

        def shows(*texts: str) -> Callable[[], bool]:
            return lambda: isinstance(app.screen, InspectScreen) and all(t in screen_text(app) for t in texts)

        await pilot.press("p")
        await until(pilot, shows("received[0]", "histogram"))
        await pilot.press("equals_sign")
        await pilot.pause()
        await pilot.press(*"inputs", "enter")
        await until(pilot, shows("float32  [2, 2]", "● inputs"))
        await pilot.press("slash", *"[1]", "enter", "tab", "tab", "tab")
        await until(pilot, shows("this slice: [2]", "values · tab: histogram"))
        await pilot.press("slash", *"9", "enter")
        await until(pilot, shows("out of bounds"))
        await pilot.press("escape", "p")
        await until(pilot, shows("○ received[0]"))
        await pilot.press("n")
        await until(pilot, shows("● received[0]", "histogram"))
        assert app.screen._node.id == app.state.next_node  # type: ignore[attr-defined]
        await pilot.press("escape", "N", "p")
        await until(pilot, shows("○ received[0]"))
        await pilot.press("slash")
        assert isinstance(app.screen, InspectScreen)
        await pilot.press("escape")
        assert "◉ loss = " in screen_text(app)
        await pilot.press("r")
        await until(pilot, lambda: app.program is not None and app.program.stopped)
        await until(pilot, lambda: "◉ loss = " in screen_text(app) and app.state.cursor == Cursor(1, 0))
        await pilot.press("W", *"loss", "enter")
        await until(pilot, lambda: "◉ loss = " not in screen_text(app))


def test_the_plain_face_prints_evaluates_watches_and_goes_on_otherwise() -> None:
    found = answers(
        "linear.py", "n", "print received[0]", "print sent[0]", "eval inputs [1, :]", "eval nothing",
        "watch g.norm()", "set g = 0*g", "n", "unwatch 1", "watch", "print received[0] [7]", "set g = oops",
    )  # fmt: skip
    assert found[1][0].startswith("received[0] of ")
    assert found[2][0].startswith("sent[0]") or found[2][0].startswith("error: ")
    assert any("this slice: [2]" in line for line in found[3])
    assert any(line.split() == ["0", "3", "4"] for line in found[3])
    assert "NameError" in found[4][0]
    assert found[5][0].startswith("watch 1: g.norm() = ")
    assert "replaced by 0*g" in found[6][0]
    assert any(line.startswith("watch: g.norm() = ") for line in found[7])
    assert any("replaced by 0*g" in line for line in found[7])
    assert found[9][0].startswith("nothing is watched")
    assert found[10][0].startswith("error: ")
    assert "NameError" in found[11][0]


def test_the_plain_face_names_the_node_that_can_be_read() -> None:
    _, first, fifth = answers("linear.py", "n", "print received[0] [0]", "print received[5]")
    assert "about to run is node " in first[0]
    assert ", then print received[0]; print received[0], without a slice, tells" in first[0]
    assert fifth == ["error: there is no received[5]: the node received 1 gradient"]
