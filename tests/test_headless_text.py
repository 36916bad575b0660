"""`gradtui run --headless` tells the end of a run and every step that was taken."""

from __future__ import annotations

import json
import os
import re

import pytest
from running import PROGRAMS, gradtui, headless, plain

from gradtui.check.text import UNSEEN

NO_PASS = UNSEEN.encode() + b"\n"
ENDS: list[tuple[tuple[str, ...], tuple[int, int, str | None]]] = [
    (("no_backward.py",), (0, 0, None)),
    (("raises.py",), (1, 3, "ValueError: first line (raises.py:17)")),
    (("raises_in_pass.py",), (1, 2, "ArithmeticError: in the closure of '*' (raises_in_pass.py:11)")),
    (("broken_import.py",), (0, 0, "SyntaxError: ")),
    (("exits.py", "3"), (1, 3, None)),
    (("dies.py", "exit"), (1, 2, "ended inside pass 1, without an exception")),
    (("dies.py", "segfault"), (1, 2, "killed by signal 11 (SIGSEGV)")),
    (("forks.py",), (2, 4, None)),
    (("threads.py",), (1, 3, None)),
    (("at_exit.py",), (1, 3, None)),
    (
        ("raises_under_torch.py", "python"),
        (0, 0, "IndexError: Target 7 is out of bounds. (raises_under_torch.py:9)"),
    ),
]


@pytest.mark.parametrize(("case", "end"), ENDS, ids=lambda part: part[0] if isinstance(part[0], str) else "")
def test_the_end_is_told_and_every_step_that_was_taken(
    case: tuple[str, ...], end: tuple[int, int, str | None]
) -> None:
    passes, steps, error = end
    watched = headless(*case)
    assert (watched.exit["passes"], watched.exit["steps"]) == (passes, steps)
    assert len(watched.of_type("pass")) == passes
    assert len(watched.of_type("step")) == steps
    if error is None:
        assert watched.exit["error"] is None
    else:
        assert watched.exit["error"].startswith(error)


def test_text_for_people() -> None:
    shown = gradtui("run", "--headless", "--no-twin", PROGRAMS / "prints_between.py")
    lines = shown.out.decode().splitlines()
    assert lines[0] == "before"
    assert re.fullmatch(
        r"pass 1  scalar, 4 nodes, 4 edges, from y = -4  .*prints_between.py:9", lines[1].strip()
    )
    assert sum(bool(re.match(r" +\d  ", line)) for line in lines) == 8
    assert lines[-1] == "ran to its end: 2 passes, 8 steps, no findings"
    assert (shown.code, shown.err) == (0, b"")


@pytest.mark.parametrize(
    ("case", "last"),
    [
        (("no_backward.py",), "ran to its end: 0 passes, 0 steps, no findings"),
        (("exits.py", "3"), "ended with exit code 3: 1 pass, 3 steps, no findings"),
        (("dies.py", "SIGKILL"), "killed by signal 9 (SIGKILL) (exit code -9): 1 pass, 2 steps, no findings"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_the_last_line_for_people(case: tuple[str, ...], last: str) -> None:
    program, *argv = case
    shown = gradtui("run", "--headless", "--no-twin", PROGRAMS / program, *argv)
    assert shown.out.decode().splitlines()[-1] == last


def test_streams_stay_apart_and_lines_whole_in_text() -> None:
    shown = gradtui("run", "--headless", "--no-twin", PROGRAMS / "prints_much.py")
    alone = plain("prints_much.py")
    assert shown.err == alone.err
    assert shown.out == alone.out + b"\n" + NO_PASS + b"ran to its end: 0 passes, 0 steps, no findings\n"


def test_a_terminal_of_few_letters_is_no_error() -> None:
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    shown = gradtui("run", "--headless", "--no-twin", PROGRAMS / "prints_much.py", env=env)
    assert (shown.code, b"Traceback" in shown.err) == (1, True), "the program's own error, at its own print"
    assert b"gradtui/probe" not in shown.err
    assert b"gradtui/check" not in shown.err
    shown = gradtui("run", "--headless", PROGRAMS / "linear.py", env=env)
    assert shown.code == 0


def test_a_program_over_micrograd_is_watched_pass_after_pass() -> None:
    shown = gradtui("run", "--headless", "--json", "--no-twin", PROGRAMS / "trains_micrograd.py")
    lines = [json.loads(line) for line in shown.out.splitlines()]
    assert [line["root"]["name"] for line in lines if line["type"] == "pass"] == ["loss"] * 3
    assert not [line for line in lines if line["type"] == "finding"]
    names = {line["name"] for line in lines if line["type"] == "step" and line["accumulated"]}
    assert {"model.layers[0].neurons[2].w[1]", "model.layers[1].neurons[0].b"} <= names
    printed = "".join(line["text"] for line in lines if line["type"] == "output")
    assert printed.encode() == plain("trains_micrograd.py").out
