"""What if: a gradient replaced, a leaf changed. What the program then does is what its own code would do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from running import gradtui
from standing import Script, stand
from tui import PROGRAMS, debugger, graph_text, pane, screen_text, step, until

from gradtui.scalar import Value
from gradtui.session.errors import BadInput
from gradtui.session.whatif import parse
from gradtui.trace import Trace
from gradtui.trace.names import symbol
from gradtui.tui.widgets import prompt
from gradtui.wire.messages import Change, Changed, Go, Refused, Replace, Replaced, Watch
from gradtui.wire.recording import RecordingWriter

Gradients = list[list[torch.Tensor]]


def net(clamp: bool = False, halve: bool = False) -> Gradients:
    """Two steps of training; what each parameter was given."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Tanh(), torch.nn.Linear(4, 2)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = torch.randn(5, 3), torch.randn(5, 2)
    given = []
    for turn in range(2):
        h = model(x)
        if clamp and not turn:
            h.register_hook(lambda g: g.clamp(-0.1, 0.05))
        loss = ((h - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        if halve and not turn:
            with torch.no_grad():
                model[0].weight.mul_(0.5)
        optimizer.step()
        given.append([p.grad.clone() for p in model.parameters()])
    return given


def same(a: Gradients, b: Gradients) -> bool:
    return all(torch.equal(x, y) for first, second in zip(a, b) for x, y in zip(first, second))


def node(trace: Trace, name: str) -> int:
    return next(n.id for n in trace.passes[-1].nodes.values() if symbol(n) == name)


def at(name: str, *commands: Replace) -> Callable[[Trace], Script]:
    """Run to a node, and say this there."""

    def script(trace: Trace) -> Script:
        if trace.stops.newest.next != node(trace, name):
            yield Go("node", node(trace, name))
        for command in commands:
            answers = yield command
            assert any(isinstance(answer, Replaced) for answer in answers), answers

    return script


def test_replaced_by_itself_every_gradient_stays_bit_for_bit() -> None:
    replaced = []

    def script(trace: Trace) -> Script:
        while trace.stops.newest.next is not None:
            for slot, value in enumerate(trace.stops.newest.received):
                if value is not None:
                    replaced.extend((yield Replace(slot, "g")))
            yield Go("step")

    trace, given = stand(net, script)
    assert len(trace.passes[0].messages) == len(replaced) > 12
    assert all(isinstance(item, Replaced) for item in replaced)
    assert same(given, net())


def test_zeros_go_all_the_way_down() -> None:
    trace, given = stand(net, at("loss", Replace(0, "0*g")))
    assert all(not g.any() for g in given[0])
    assert all(step.received[0].norm == 0 for step in trace.passes[0].messages)


def test_a_clamp_does_what_a_hook_that_clamps_does() -> None:
    trace, given = stand(net, at("h", Replace(0, "g.clamp(-0.1, 0.05)")))
    assert same(given, net(clamp=True))
    assert not same(given, net())
    assert trace.passes[0].replaced[0].expression == "g.clamp(-0.1, 0.05)"


def test_what_an_expression_does_in_place_reaches_no_other_node() -> None:
    """Addition hands the same tensor to both operands."""

    def add() -> list[torch.Tensor]:
        a, b = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
        (a + b).sum().backward()
        return [a.grad, b.grad]

    _, (first, second) = stand(add, at("a", Replace(0, "received[0].mul_(5)"), Replace(0, "g.add_(1)")))
    assert first.tolist() == [6.0] * 3
    assert second.tolist() == [1.0] * 3


def test_what_the_engine_could_not_go_on_with_is_refused() -> None:
    refused = {
        "g.double()": "float64",
        "g[None]": "shape",
        "3": "no tensor",
        "None": "None",
        "g +": "no Python expression",
        "1/0": "ZeroDivisionError",
        "g.to_sparse()": "sparse",
    }

    def script(trace: Trace) -> Script:
        yield Go("node", node(trace, "h"))
        for text, why in refused.items():
            (answer,) = yield Replace(0, text)
            assert isinstance(answer, Refused)
            assert why in answer.message
        (answer,) = yield Replace(7, "g")
        assert "there is no received[7]" in answer.message
        (answer,) = yield Change(node(trace, "h"), "0*leaf")
        assert "only a leaf" in answer.message

    _, given = stand(net, script)
    assert same(given, net())


def test_a_changed_leaf_is_as_if_the_program_had_changed_it() -> None:
    def script(trace: Trace) -> Script:
        (answer,) = yield Change(node(trace, "model.0.weight"), "model")
        assert isinstance(answer, Refused)
        (answer,) = yield Change(node(trace, "model.0.weight"), "0.5*leaf")
        assert isinstance(answer, Changed)
        assert answer.value.norm == pytest.approx(answer.before.norm / 2)

    trace, given = stand(net, script)
    assert same(given, net(halve=True))
    assert not same(given, net())
    assert trace.findings == []


def test_nobody_is_blamed_for_a_leaf_that_the_person_changed() -> None:
    """The gradient that accumulates over it is not one that an update has used."""

    def accumulates() -> list[float]:
        w = torch.ones(2, requires_grad=True)
        for _ in range(3):
            (w * w).sum().backward()
        return w.grad.tolist()

    def script(trace: Trace) -> Script:
        yield Change(node(trace, "w"), "3*w")

    trace, gradient = stand(accumulates, script)
    assert gradient == [14.0, 14.0]
    assert trace.passes[1].used == {}
    assert trace.findings == []


def test_nor_for_one_that_they_changed_in_a_pass_that_accumulates_nothing() -> None:
    def program() -> list[float]:
        w = torch.ones(2, requires_grad=True)
        (w * w).sum().backward()
        torch.autograd.grad((w * w).sum(), [w])
        (w * w).sum().backward()
        return w.grad.tolist()

    def script(trace: Trace) -> Script:
        yield Go("pass")
        yield Change(node(trace, "w"), "3*w")

    trace, gradient = stand(program, script)
    assert gradient == [8.0, 8.0]
    assert trace.passes[2].used == {}


def test_a_second_derivative_goes_through_what_was_put_there() -> None:
    def program() -> list[float]:
        x = torch.tensor([2.0], requires_grad=True)
        (first,) = torch.autograd.grad((x**3).sum(), [x], create_graph=True)
        (second,) = torch.autograd.grad(first.sum(), [x])
        return [first.item(), second.item()]

    def script(trace: Trace) -> Script:
        yield Go("step")
        yield Replace(0, "3*g")

    assert stand(program, script)[1] == [36.0, 36.0]


def scalar() -> list[tuple[float, float]]:
    a, b = Value(3.0), Value(2.0)
    given = []
    for _ in range(2):
        c = a * b
        (c + a).backward()
        given.append((a.grad, b.grad))
    return given


def test_a_scalar_engine_goes_on_with_another_number_and_is_not_blamed() -> None:
    def script(trace: Trace) -> Script:
        yield Go("node", node(trace, "c"))
        (answer,) = yield Replace(0, "10*g")
        assert (answer.before, answer.value) == (1.0, 10.0)
        (answer,) = yield Replace(0, "'ten'")
        assert isinstance(answer, Refused)
        (answer,) = yield Change(node(trace, "b"), "leaf + 1")
        assert isinstance(answer, Changed)

    trace, given = stand(scalar, script, twin=True)
    assert given == [(21.0, 30.0), (25.0, 33.0)]  # a: 10*2 + 1, then 3 + 1 more; b: 10*3, then 3 more
    assert trace.findings == []


def test_a_replaced_root_of_a_scalar_engine_is_no_forgotten_seed() -> None:
    trace, given = stand(scalar, partial(_first, Replace(0, "0")), twin=True)
    assert given[0] == (0.0, 0.0)
    assert trace.findings == []


def _first(command: Replace, trace: Trace) -> Script:
    yield command


def test_a_leaf_of_a_scalar_engine_keeps_what_it_held_before() -> None:
    def script(trace: Trace) -> Script:
        yield Go("pass")
        yield Go("node", node(trace, "a"))
        (answer,) = yield Replace(0, "100.0")
        assert (answer.before, answer.value) == (3.0, 100.0)

    assert stand(scalar, script)[1][1] == (103.0, 6.0)


def test_it_is_marked_in_recordings_text_and_json(tmp_path: Path) -> None:
    events = []

    def script(trace: Trace) -> Script:
        events.extend((yield Replace(0, "2*g")))
        events.extend((yield Change(node(trace, "model.0.bias"), "0*leaf")))
        events.extend((yield Watch(("2*g", "1/0"))))

    trace, _ = stand(net, script)
    file = tmp_path / "net.gradtui"
    writer = RecordingWriter(file)
    for event in (trace.passes[0].began, *events, trace.passes[0].messages[0]):
        writer.write(event)
    writer.close()
    text = gradtui("open", "--headless", "--partial", file).out.decode()
    assert "(the person replaced received[0] at 1:1 by 2*g: 1 became 2)" in text
    assert "0*leaf: " in text
    found = gradtui("open", "--headless", "--json", "--partial", file)
    replaced, changed = found.of_type("replaced")[0], found.of_type("changed")[0]
    assert (replaced["step"], replaced["slot"], replaced["expression"]) == (1, 0, "2*g")
    assert found.of_type("step")[0]["received"] == [replaced["value"]]
    assert changed["value"]["norm"] == 0.0
    double, wrong = found.of_type("watched")[0]["values"]
    assert double["value"]["values"] == [4.0]
    assert wrong == {"expression": "1/0", "value": None, "text": None, "error": wrong["error"]}
    assert wrong["error"].startswith("ZeroDivisionError")


def test_how_it_is_written() -> None:
    assert parse("g = g.clamp(-1, 1)") == (0, "g.clamp(-1, 1)")
    assert parse(" received[12]=0*g ") == (12, "0*g")
    assert parse("leaf = leaf == 0") == (None, "leaf == 0")
    assert parse("g = g = g.clamp(0, 1)") == (0, "g.clamp(0, 1)")  # typed behind what stood there
    assert parse("g = received[1] = 0*g") == (1, "0*g")
    for text in ("g", "h = 3", "g == 3", "received = g", ""):
        with pytest.raises(BadInput, match="write g = "):
            parse(text)


async def test_the_screen_asks_marks_and_lets_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    async with debugger(PROGRAMS / "linear.py", twin=False) as (app, pilot):
        await step(app, pilot)
        await pilot.press("equals_sign")
        assert app.prompt.value == "g = "
        await pilot.press(*"oops", "enter")
        await until(pilot, lambda: app.prompt.value == "g = oops" and app.prompt.display)
        assert "NameError" in screen_text(app)
        app.prompt.typed.value = "g = 0*g"
        await pilot.press("enter")
        shown = app.state.shown_pass
        assert shown is not None
        await until(pilot, lambda: shown.replaced)
        assert app.program is not None
        app.program.session.ask(Change(999, "leaf"))  # refused, and nothing to do with what was typed
        await until(pilot, lambda: "has no node 999" in screen_text(app))
        assert not app.prompt.display
        assert "✎ received[0] replaced by 0*g" in pane(app, "step")
        assert "✎" in graph_text(app)
        await step(app, pilot)
        assert "✎ received[0] replaced by 0*g" in pane(app, "step")
        await pilot.press("N")
        assert "✎ received[0] replaced by 0*g" in pane(app, "step")  # of the step that comes
        await pilot.press("N")
        assert "✎" not in pane(app, "step")
        monkeypatch.setattr(prompt, "PAUSE", 60.0)
        await pilot.press("equals_sign", *"0*g")  # refused: what is typed goes nowhere
        assert "is replaced where the program stands" in screen_text(app)
        assert app.prompt.value == ""
        await pilot.press("escape")
        assert not app.prompt.display
        monkeypatch.setattr(prompt, "PAUSE", 0.0)
        await pilot.press("equals_sign", "9")  # after a pause it is a key again
        assert not app.prompt.display
        assert app.debugger.query_one("#passes").has_focus


async def test_in_the_graph_by_module_it_is_marked_too() -> None:
    async with debugger(PROGRAMS / "nested_modules.py", twin=False) as (app, pilot):
        await step(app, pilot)
        await pilot.press("equals_sign")
        app.prompt.typed.value = "g = 2*g"
        await pilot.press("enter")
        shown = app.state.shown_pass
        assert shown is not None
        await until(pilot, lambda: shown.replaced)
        await step(app, pilot, 8)
        for _ in range(3):
            graph = graph_text(app)
            assert "✎" in graph, graph
            await pilot.press("v")
            await pilot.pause()


async def test_a_refusal_leaves_the_prompt_to_be_read() -> None:
    async with debugger(PROGRAMS / "linear.py", (80, 24), twin=False) as (app, pilot):
        await pilot.press("b")
        app.prompt.typed.value = "nonsense here"
        await pilot.press("enter")
        await until(pilot, lambda: len(app.screen.query("Toast")))
        await pilot.pause(0.5)
        prompt = app.prompt.region
        assert all(not toast.region.intersection(prompt).area for toast in app.screen.query("Toast"))
        assert "nonsense here" in screen_text(app)
