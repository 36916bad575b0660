"""Errors of training programs: each stops with the kind, the line at fault and the line that made the node."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from driving import driven
from faults import FAULTS, marked, recorded
from running import headless, plain

import gradtui
from gradtui.probe.explain.writes import KEPT, Writes
from gradtui.trace import Trace

KINDS = {
    "inplace_step": "inplace",
    "inplace_relu": "inplace",
    "inplace_mask": "inplace",
    "inplace_buffer": "inplace",
    "inplace_result": "inplace",
    "second_custom": "freed-graph",
    "second_hidden": "freed-graph",
    "second_head": "freed-graph",
    "cut_detach": "cut-graph",
    "cut_no_grad": "cut-graph",
    "cut_decorated": "cut-graph",
    "cut_inference": "cut-graph",
    "cut_item": "cut-graph",
    "cut_numpy": "cut-graph",
    "cut_argmax": "cut-graph",
    "cut_frozen": "cut-graph",
    "cut_encoder": "cut-graph",
    "cut_inside": "cut-graph",
    "cut_second_order": "cut-graph",
    "cut_argmax_mask": "cut-graph",
    "cut_round": "cut-graph",
    "cut_topk": "cut-graph",
    "cut_meta": "cut-graph",
    "cut_beside_log": "cut-graph",
    "cut_far": "cut-graph",
    "cut_anew": "cut-graph",
    "cut_random": "cut-graph",
    "cut_reentrant": "cut-graph",
    "cut_autocast": "cut-graph",
    "cut_asked": "cut-graph",
    "cut_student": "cut-graph",
    "replaced_forward": "cut-graph",
    "custom_none": "cut-graph",
    "custom_none_by_hand": "cut-graph",
    "custom_shape": "failed-node",
    "custom_raises": "failed-node",
    "hook_raises": "failed-node",
    "hook_returns": "failed-node",
    "hook_of_node": "failed-node",
    "hook_accumulated": "failed-node",
    "nan_linear": "nonfinite",
    "nan_log": "nonfinite",
    "nan_hook": "nonfinite",
    "nan_custom": "nonfinite",
    "nan_module_hook": "nonfinite",
    "nan_half": "nonfinite",
    "nan_where": "nonfinite",
    "nan_spread": "nonfinite",
    "nan_rate": "nonfinite",
    "nan_softmax": "nonfinite",
    "nan_sqrt": "nonfinite",
    "nan_overflow": "nonfinite",
    "nan_checkpoint": "nonfinite",
    "nan_checkpoint_reentrant": "nonfinite",
    "unused_layer": "unused-parameter",
    "unused_logged": "unused-parameter",
    "unused_beside_detach": "unused-parameter",
    "unused_beside_metric": "unused-parameter",
    "replaced_head": "unused-parameter",
    "hidden_list": "unstepped-parameter",
    "empty_step": "empty-step",
    "empty_step_zeros": "empty-step",
    "vanishing_sigmoid": "vanishing",
    "exploding_rate": "exploding",
    "exploding_loop": "exploding",
    "exploding_hook": "exploding",
    "dead_relu": "dead-unit",
    "dead_units": "dead-unit",
}


@pytest.mark.parametrize("name", KINDS)
def test_a_fault_is_told_with_its_lines(name: str) -> None:
    path = FAULTS / f"{name}.py"
    trace, _ = recorded(path)
    found = [f for f in trace.findings if f.kind == KINDS[name]]
    assert found, trace.findings
    for mark, told in (("at fault", found[0].culprit), ("made here", found[0].source)):
        line = marked(path, mark)
        if line is not None:
            assert told is not None
            assert told.endswith(line), found[0]
    assert not [notice for notice in trace.notices if "gradtui could not" in notice.message]


@pytest.mark.parametrize("name", [name for name in KINDS if name.startswith("unused")])
def test_what_was_not_cut_is_not_said_to_be(name: str) -> None:
    trace, _ = recorded(FAULTS / f"{name}.py")
    assert {f.kind for f in trace.findings} == {"unused-parameter"}
    assert all(f.culprit is None for f in trace.findings)


def test_of_weights_cut_in_one_statement_all_are_told() -> None:
    trace, _ = recorded(FAULTS / "cut_meta.py")
    (finding,) = trace.findings
    assert "net.weight, net.bias, which it steps: its values were cut off by .detach()" in finding.message


def test_every_program_of_the_folder_is_tried() -> None:
    assert {path.stem for path in FAULTS.glob("*.py")} == set(KINDS)


@pytest.mark.parametrize("name", ["inplace_step", "cut_no_grad", "custom_raises"])
def test_the_exception_goes_on_as_it_would_have(name: str) -> None:
    path = FAULTS / f"{name}.py"
    there, here = plain(path), headless(path)
    assert here.code == there.code
    assert here.printed("stderr") == there.error
    assert here.of_type("finding")


def test_dead_units_are_told_with_the_line_that_kills_them() -> None:
    trace, _ = recorded(FAULTS / "dead_units.py")
    (finding,) = trace.findings
    assert finding.message.endswith("faults/dead_units.py:16")


def test_a_finding_without_a_node_has_null_in_its_place() -> None:
    (line,) = headless(FAULTS / "cut_detach.py").of_type("finding")
    assert (line["pass"], line["step"], line["node"], line["op"]) == (0, 0, None, None)


# ------------------------------------------------------------------- the stop


@pytest.mark.parametrize(("name", "passes"), [("inplace_mask", 1), ("cut_detach", 0)])
def test_an_attended_program_stands_before_the_exception_goes_on(name: str, passes: int) -> None:
    with driven(f"faults/{name}.py") as program:
        stop, trace = program.stop(), Trace.of(program.events)
        assert (stop.reason, stop.number) == ("exception", passes)
        assert trace.findings
        assert trace.raised is None
        assert (stop.next is not None) == bool(passes)
        program.session.go("end")
        assert program.end().code == 1


@pytest.mark.parametrize(
    ("name", "op"), [("hook_returns", "ReluBackward0"), ("hook_raises", "AddmmBackward0")]
)
def test_a_tensor_hook_is_told_with_its_node_where_the_program_stops(name: str, op: str) -> None:
    """Nothing of the node has begun to run then."""
    with driven(f"faults/{name}.py") as program:
        program.stop()
        trace = Trace.of(program.events)
    (finding,) = trace.findings
    assert (finding.kind, finding.op) == ("failed-node", op)
    assert (finding.culprit or "").endswith(marked(FAULTS / f"{name}.py", "at fault") or "")


def test_of_two_hooks_that_may_be_meant_none_is_named() -> None:
    def one() -> Any:
        return lambda received: (received[0][:1],)

    def other() -> Any:
        return lambda received: received

    with gradtui.record() as trace:
        h = torch.ones(3, requires_grad=True) * 2
        for hook in (one(), other()):
            h.grad_fn.register_prehook(hook)
        with pytest.raises(RuntimeError, match="has changed the size"):
            h.exp().sum().backward()
    assert [(f.kind, f.culprit) for f in trace.findings] == [("failed-node", None)]


def test_a_hook_of_a_module_and_a_method_are_found() -> None:
    class Clips:
        def clip(self, module: Any, received: Any) -> Any:
            return (received[0][:1],)

    net = torch.nn.Linear(3, 3)
    net.register_full_backward_pre_hook(Clips().clip)
    with gradtui.record() as trace, pytest.raises(RuntimeError, match="has changed the size"):
        net(torch.ones(2, 3, requires_grad=True)).sum().backward()
    line = Clips.clip.__code__.co_firstlineno
    assert (trace.findings[0].culprit or "").endswith(f"test_explain.py:{line}")


# ------------------------------------------------------------------- the words


def test_an_in_place_change_is_told_with_names_and_versions() -> None:
    trace, _ = recorded(FAULTS / "inplace_step.py")
    message = trace.findings[0].message
    assert "needs D.2.weight (its saved 'mat2')" in message
    assert "changed in place by the optimizer's step" in message


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["with torch.no_grad(): h = w * 2"], "cut by torch.no_grad() at train.py:3: nothing"),
        (
            ["with torch.no_grad():", "    h = w * 2"],
            "cut by torch.no_grad() at train.py:3, which turns gradients off for train.py:4: nothing",
        ),
        (
            ["torch.set_grad_enabled(False)", "h = w * 2"],
            "cut by torch.set_grad_enabled(False) at train.py:3, which turns gradients off for train.py:4: nothing",
        ),
    ],
)
def test_a_cut_is_told_with_what_turned_gradients_off(lines: list[str], told: str, tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    start = ["import torch", "w = torch.ones(2, requires_grad=True)"]
    path.write_text("\n".join([*start, *lines, "h.sum().backward()"]))
    try:
        trace, _ = recorded(path)
    finally:
        torch.set_grad_enabled(True)
    assert told in trace.findings[0].message.replace(f"{tmp_path}/", "")


def test_of_a_bad_value_the_saved_entries_are_told() -> None:
    trace, _ = recorded(FAULTS / "nan_sqrt.py")
    assert "there saved result is 0" in trace.findings[0].message
    trace, _ = recorded(FAULTS / "nan_log.py")
    assert "entries are zero, the first at [" in trace.findings[0].message


def test_of_a_softmax_that_a_mask_leaves_nothing_the_rows_are_told() -> None:
    trace, _ = recorded(FAULTS / "nan_softmax.py")
    assert "5 of 10 rows are NaN as a whole, as those of -inf alone are" in trace.findings[0].message


def test_what_a_hook_makes_bad_is_told_in_its_pass_and_nothing_else_is() -> None:
    trace, _ = recorded(FAULTS / "nan_hook.py")
    (finding,) = trace.findings
    assert (finding.pass_number, finding.op) == (1, "TanhBackward0")
    line = next(
        i for i, text in enumerate((FAULTS / "nan_hook.py").read_text().splitlines(), 1) if "def unit" in text
    )
    assert "a hook has made it so; the hook is unit at " in finding.message
    assert finding.message.endswith(f"nan_hook.py:{line}")


def test_the_hook_of_a_tensor_that_is_gone_is_told_where_it_is_the_only_one(tmp_path: Path) -> None:
    program = tmp_path / "gone.py"
    program.write_text(
        "import torch\n"
        "net = torch.nn.Linear(3, 3)\n"
        "net.register_forward_hook(lambda *_: None)\n"
        "def bad(gradient):\n"
        "    return gradient * torch.nan\n"
        "def loss():\n"
        "    h = net(torch.ones(2, 3)).tanh()\n"
        "    h.register_hook(bad)\n"
        "    return h.exp().sum()\n"
        "loss().backward()\n"
    )
    (finding,) = headless(program).of_type("finding")
    assert "a hook has made it so; the hook is bad at " in finding["message"]
    assert finding["culprit"].endswith("gone.py:4")


def test_a_modules_hook_that_makes_infinities_is_told() -> None:
    (finding,) = headless(FAULTS / "nan_module_hook.py").of_type("finding")
    assert "the hook is scale at " in finding["message"]
    assert finding["culprit"].endswith("nan_module_hook.py:10")


def test_where_half_precision_ends_is_told() -> None:
    trace, _ = recorded(FAULTS / "nan_half.py")
    assert trace.findings[0].message.endswith("; float16 ends at 65504")


def test_a_jump_at_one_place_is_no_growth_over_runs() -> None:
    trace, _ = recorded(FAULTS / "exploding_hook.py")
    (finding,) = trace.findings
    assert "runs of one line" not in finding.message
    assert "a hook has made it so (1e12 times as much)" in finding.message


def test_a_sum_that_is_too_large_is_no_hooks_doing() -> None:
    with gradtui.record() as trace:
        x = torch.full((4,), 1e38, requires_grad=True)
        y = x * 1.0
        (y * 3.0 + y * 2.9).sum().backward(torch.tensor(1e38))
    assert trace.passes[0].leaves["x"].after.nonfinite == 4
    assert not [finding for finding in trace.findings if "hook" in finding.message]


def test_a_leaf_of_which_only_the_norm_is_too_large_is_not_blamed() -> None:
    with gradtui.record() as trace:
        large = torch.full((100,), 1e200, dtype=torch.float64, requires_grad=True)
        (large.exp().sum() + (large * 0).sum()).backward()
    told = [finding.message for finding in trace.findings if finding.kind == "nonfinite"]
    assert told
    assert not any("is bad as the pass begins" in message or " 0 of " in message for message in told)


def test_a_gradient_asked_for_that_is_not_in_the_graph() -> None:
    with gradtui.record() as trace:
        a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
        h = (b * 2).detach()
        with pytest.raises(RuntimeError, match="not have been used"):
            torch.autograd.grad((a * h).sum(), [a, b])
    (finding,) = trace.findings
    assert finding.kind == "cut-graph"
    assert finding.message.startswith(
        "b is not in the graph of this pass: its values were cut off by .detach()"
    )
    assert finding.culprit is not None
    assert "detach" in Path(__file__).read_text().splitlines()[int(finding.culprit.rpartition(":")[2]) - 1]


def test_what_a_nested_pass_raises_is_told_once() -> None:
    from torch.utils.checkpoint import checkpoint

    class Breaks(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: torch.Tensor) -> torch.Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: object, g: torch.Tensor) -> torch.Tensor:
            raise ValueError("broken")

    with gradtui.record() as trace:
        x = torch.ones(2, requires_grad=True)
        with pytest.raises(ValueError, match="broken"):
            checkpoint(Breaks.apply, x, use_reentrant=True).sum().backward()
    assert [(f.kind, f.op) for f in trace.findings] == [("failed-node", "BreaksBackward")]


def test_each_failure_of_a_program_that_goes_on_is_told() -> None:
    with gradtui.record() as trace:
        x = torch.ones(2, requires_grad=True)
        first, second = x.exp(), x.tanh()
        for y in (first, second):
            with torch.no_grad():
                y.mul_(2)
            with pytest.raises(RuntimeError, match="inplace"):
                y.sum().backward()
    assert [f.kind for f in trace.findings] == ["inplace"] * 2


# ---------------------------------------------------------- what is no fault


def test_alternating_heads_and_nets_are_no_fault() -> None:
    body, heads = torch.nn.Linear(2, 4), [torch.nn.Linear(4, 1) for _ in range(3)]
    leaves = [*body.parameters(), *(p for head in heads for p in head.parameters())]
    optimizer = torch.optim.SGD(leaves, 0.1)
    with gradtui.record() as trace:
        for i in range(6):
            optimizer.zero_grad()
            heads[i % 3](torch.tanh(body(torch.ones(5, 2)))).mean().backward()
            optimizer.step()
    assert not trace.findings


def test_frozen_parameters_of_an_optimizer_are_a_notice() -> None:
    body, head = torch.nn.Linear(2, 4), torch.nn.Linear(4, 1)
    body.requires_grad_(False)
    optimizer = torch.optim.SGD([*body.parameters(), *head.parameters()], 0.1)
    with gradtui.record() as trace:
        for _ in range(3):
            optimizer.zero_grad()
            head(torch.tanh(body(torch.ones(5, 2)))).mean().backward()
            optimizer.step()
    assert not trace.findings
    assert "body.weight, body.bias, frozen" in trace.notices[0].message


def test_a_signal_handlers_exception_is_no_fault() -> None:
    import signal

    def handler(number: int, frame: object) -> None:
        raise TimeoutError

    class Slow(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: torch.Tensor) -> torch.Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: object, g: torch.Tensor) -> torch.Tensor:
            signal.raise_signal(signal.SIGUSR1)
            return g

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with gradtui.record() as trace:
            x = torch.ones(2, requires_grad=True)
            with pytest.raises(TimeoutError):
                Slow.apply(x).sum().backward()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert not trace.findings


# ------------------------------------------------------------------- memory


def test_no_tensor_is_kept_alive_and_changes_are_bounded() -> None:
    import gc
    import weakref

    with gradtui.record():
        x = torch.ones(3, requires_grad=True)
        h = (x * 2).detach()
        h.add_(1)
        gone = [weakref.ref(x), weakref.ref(h)]
        del x, h
        gc.collect()
        assert [ref() for ref in gone] == [None, None]
    writes, tensor = Writes(), torch.zeros(1)
    for _ in range(KEPT + 10):
        tensor.add_(1)
        writes.changed(tensor, "add_", 1)
    assert len(writes._writes) <= KEPT
    assert writes.last(tensor) is not None
    assert len(writes.since(tensor, tensor._version - 3)) == 3


def test_in_anomaly_mode_the_node_that_sent_nan_is_told_and_no_other() -> None:
    x = torch.zeros(3, requires_grad=True)
    with gradtui.record() as trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with torch.autograd.detect_anomaly():
            loss = (x.sqrt() * 0).sum()
            with pytest.raises(RuntimeError, match="returned nan"):
                loss.backward()
    told = {f.kind: f.node for f in trace.findings}
    assert set(told) == {"nonfinite", "failed-node"}
    assert told["nonfinite"] == told["failed-node"]
