"""Running again: inputs of a file edited, gradients zeroed at a stop, a spare process, a program that reads."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gradtui.session.errors import BadInput
from gradtui.session.inputs import edits, find_inputs
from gradtui.session.programs import open_program
from gradtui.session.run import Run
from gradtui.session.session import Plan
from gradtui.trace.output import OutputLog

PROGRAMS = Path(__file__).parent / "programs"


@contextmanager
def run_of(path: Path | str, **options: object) -> Iterator[Run]:
    program = open_program(str(path))
    run = Run(program, Plan(program.path, **options))  # type: ignore[arg-type]
    try:
        until(run, lambda: run.stopped or run.session.exited is not None)
        yield run
    finally:
        run.close()


def until(run: Run, condition: Callable[[], object]) -> None:
    for _ in range(6_000):
        if condition():
            return
        run.pump(0.01)
    raise AssertionError("the condition never came true")


def to_the_end(run: Run) -> None:
    run.go("end")
    until(run, lambda: run.session.exited is not None)


def printed(log: OutputLog) -> str:
    return "\n".join(text for _, text in log.lines)


# ------------------------------------------------------------------------ inputs


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x = 2.0", [("x", "2.0")]),
        ("x: float = -3", [("x", "-3")]),
        ("x = Value(2.0)", [("x", "2.0")]),
        ("x = Value(Value(-2.5))", [("x", "-2.5")]),
        ("x = torch.tensor([1.0, -2.0], requires_grad=True)", [("x", "[1.0, -2.0]")]),
        ("x = nn.Parameter(torch.tensor([[1.0], [2.0]]))", [("x", "[[1.0], [2.0]]")]),
        ("x, y = Value(1.0), Value(2.0)", [("x", "1.0"), ("y", "2.0")]),
        ("xs = [[2.0, 3.0], [3.0, -1.0]]", [("xs", "[[2.0, 3.0], [3.0, -1.0]]")]),
        ("x = y = 2.0", []),
        ("x = Value(a)", []),
        ("x = 'text'", []),
        ("x = True", []),
        ("x = []", []),
        ("x = 2.0 * 3", []),
        ("W = torch.randn(3, 2)", []),
        ("b = torch.randn(2, requires_grad=True)", []),
        ("net = MLP(3, [4, 1])", []),
        ("net = nn.Linear(2, 2)", []),
        ("lr = gradtui.knob('lr', 0.1)", []),
        ("g = torch.manual_seed(3)", []),
        ("for i in range(3):\n    x = 2.0", []),
        ("x = 1.0\nx = 2.0", []),
    ],
)
def test_what_is_an_input(line: str, expected: list[tuple[str, str]]) -> None:
    assert [(found.name, found.text) for found in find_inputs(ast.parse(line), line)] == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "write a number"),
        ("abc", "write a number"),
        ("[1.0]", "write a number"),
        ("__import__('os')", "write a number"),
        ("1.0); print(1", "write a number"),
        ("2 3", "write a number"),
    ],
)
def test_bad_values_are_refused_with_an_example(text: str, why: str) -> None:
    source = "x = Value(2.0)"
    with pytest.raises(BadInput, match=why):
        edits(find_inputs(ast.parse(source), source), {"x": text})


def test_an_unknown_input_is_refused_with_those_there_are() -> None:
    source = "x = 2.0\ny = 3.0"
    with pytest.raises(BadInput, match=r"z is not .*; those are x, y"):
        edits(find_inputs(ast.parse(source), source), {"z": "1"})


PROGRAM = """# \u00e4 line with more bytes than characters
from gradtui.scalar import Value

\u03b1, x = Value(2.0), Value( -3.0 )
y = \u03b1 * x
y.backward()
print(\u03b1.grad, x.grad)
assert x.grad == 2.0
"""


def test_an_edited_program_runs_with_the_other_number_and_without_its_asserts(tmp_path: Path) -> None:
    path = tmp_path / "edited.py"
    path.write_text(PROGRAM, encoding="utf-8")
    with run_of(path, twin=False) as run:
        run.edit("x", "10.5")
        until(run, lambda: run.stopped)
        assert run.trace.passes[0].leaves["x"].node.value == 10.5
        run.edit("\u03b1", "7")
        until(run, lambda: run.stopped)
        assert run.inputs == {"x": "10.5", "\u03b1": "7"}
        to_the_end(run)
        assert run.session.exited is not None
        assert (run.session.exited.code, run.session.exited.error) == (0, None)
        assert printed(run.trace.output) == "10.5 7.0"
        texts = [source.text for source in run.trace.sources.values() if source.path.endswith("edited.py")]
        assert "Value(7), Value( 10.5 )" in (texts[0] or "")
        run.restart(inputs={})
        until(run, lambda: run.stopped)
        assert run.trace.passes[0].leaves["x"].node.value == -3.0
    assert path.read_text(encoding="utf-8") == PROGRAM


def test_a_refused_edit_ends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "edited.py"
    path.write_text(PROGRAM, encoding="utf-8")
    with run_of(path, twin=False) as run:
        with pytest.raises(BadInput):
            run.edit("x", "ten")
        assert run.stopped
        assert run.session.exited is None
        assert run.inputs == {}


def test_an_assert_that_fails_still_fails_where_nothing_is_edited(tmp_path: Path) -> None:
    path = tmp_path / "fails.py"
    path.write_text(PROGRAM.replace("== 2.0", "== 3.0"), encoding="utf-8")
    with run_of(path, twin=False) as run:
        to_the_end(run)
        assert run.session.exited is not None
        assert run.session.exited.code == 1


# ----------------------------------------------------------------------- zeroing


def test_gradients_zeroed_at_the_start_of_a_torch_pass() -> None:
    with run_of(PROGRAMS / "trains.py", argv=("none",)) as run:
        run.go("pass")
        until(run, lambda: run.stopped and run.session.stopped.number == 2)  # type: ignore[union-attr]
        second = run.trace.passes[1]
        assert len(second.used) == 1
        run.zero()
        until(run, lambda: not second.used)
        assert second.before == {}
        to_the_end(run)
        assert second.leaves["w"].before is None
        assert [f.pass_number for f in run.trace.findings] == [3]  # the third pass, which nobody zeroed


def test_gradients_zeroed_at_the_start_of_a_scalar_pass() -> None:
    with run_of(PROGRAMS / "shared_leaf.py", twin=False) as run:
        run.go("pass")
        until(run, lambda: run.stopped and run.session.stopped.number == 2)  # type: ignore[union-attr]
        assert run.trace.passes[1].leaves["w"].before == 3.0
        run.zero()
        to_the_end(run)
        leaf = run.trace.passes[1].leaves["w"]
        assert (leaf.before, leaf.added, leaf.after) == (0.0, 4.0, 4.0)


def test_zeroing_inside_a_pass_does_nothing() -> None:
    with run_of(PROGRAMS / "trains.py", argv=("none",)) as run:
        run.go("step")
        until(run, lambda: run.stopped and run.session.stopped.step == 1)  # type: ignore[union-attr]
        run.zero()
        to_the_end(run)
        assert run.trace.passes[1].leaves["w"].before is not None


# --------------------------------------------------------------- spare and stdin


def test_a_spare_is_used_once_and_ends_with_the_run(tmp_path: Path) -> None:
    path = tmp_path / "lesson.py"
    path.write_text("SCENARIO = {}\n" + PROGRAM, encoding="utf-8")
    with run_of(path, twin=False) as run:
        run.prepare()
        spare = run._spare
        assert spare is not None
        run.restart()
        assert run._spare is None
        assert run.session._process is spare.process
        until(run, lambda: run.stopped)
        run.prepare()
        unused = run._spare
        assert unused is not None
    assert unused.process.poll() is not None


def test_a_spare_that_died_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "lesson.py"
    path.write_text("SCENARIO = {}\n" + PROGRAM, encoding="utf-8")
    with run_of(path, twin=False) as run:
        run.prepare()
        assert run._spare is not None
        run._spare.process.kill()
        run._spare.process.wait()
        run.restart()
        until(run, lambda: run.stopped)


def test_only_lessons_have_spares() -> None:
    with run_of(PROGRAMS / "shared_leaf.py", twin=False) as run:
        run.prepare()
        assert run._spare is None


def test_a_program_reads_what_is_typed(tmp_path: Path) -> None:
    path = tmp_path / "asks.py"
    path.write_text("name = input('who? ')\nprint('hello', name)\nimport sys\nprint(len(sys.stdin.read()))\n")
    program = open_program(str(path))
    run = Run(program, Plan(program.path, stdin="terminal"))
    try:
        run.session.type("torch\n")
        until(run, lambda: "hello torch" in printed(run.trace.output))
        run.session.type("abc")
        run.session.end_input()
        until(run, lambda: run.session.exited is not None)
        assert printed(run.trace.output).endswith("3")
        with pytest.raises(BadInput, match="closed"):
            run.session.type("late\n")
    finally:
        run.close()


def test_a_program_whose_input_is_not_typed_says_so() -> None:
    with (
        run_of(PROGRAMS / "shared_leaf.py", twin=False) as run,
        pytest.raises(BadInput, match="input is closed"),
    ):
        run.session.type("x\n")


@pytest.mark.parametrize("text", ["-" * 5000 + "1", "[" * 500 + "1" + "]" * 500])
def test_deeply_nested_values_are_refused(text: str) -> None:
    source = "x = Value(2.0)"
    with pytest.raises(BadInput):
        edits(find_inputs(ast.parse(source), source), {"x": text})


def test_what_is_typed_is_written_as_one_literal() -> None:
    source = "x = Value(2.0)"
    (edit,) = edits(find_inputs(ast.parse(source), source), {"x": "(1_0.5\n)  # ten and a half"})
    assert edit.text == "10.5"


def test_lines_are_counted_as_python_counts_them(tmp_path: Path) -> None:
    path = tmp_path / "formfeed.py"
    path.write_text("s = '\u2028'\n\x0c\n" + PROGRAM.partition("\n")[2], encoding="utf-8")
    with run_of(path, twin=False) as run:
        run.edit("x", "9.0")
        until(run, lambda: run.stopped)
        assert run.trace.passes[0].leaves["x"].node.value == 9.0


def test_nothing_is_started_for_a_run_that_is_closed() -> None:
    program = open_program("neuron")
    run = Run(program, Plan(program.path, twin=False))
    assert program.scenario.declared
    run.close()
    run.prepare()
    assert run._spare is None
