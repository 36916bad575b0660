"""Passes in child processes: nobody follows them, and the person is told so, once and on every face."""

from __future__ import annotations

import re

import pytest
from driving import driven
from running import gradtui, headless, plain

PROGRAM = "trains_in_children.py"
STARTS = ("fork", "spawn", "forkserver")


def notices(*argv: object) -> list[str]:
    return [line["message"] for line in headless(PROGRAM, *argv).of_type("notice")]


@pytest.mark.parametrize("start", STARTS)
def test_passes_in_child_processes_are_told_with_their_numbers(start: str) -> None:
    there, here = plain(PROGRAM, start, 2, "process"), headless(PROGRAM, start, 2, "process")
    assert here.code == there.code == 0
    assert here.printed("stdout") == there.out.decode()
    assert here.printed("stderr") == there.error == ""
    told = [line["message"] for line in here.of_type("notice")]
    assert 1 <= len(told) <= 2  # the first one at once; at the end both, if the second came later
    assert len(set(re.findall(r"pid (\d+)", told[-1]))) == 2
    assert "2 child processes" in told[-1]
    assert "are not followed" in told[-1]


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_a_process_group_is_told_by_ranks(start: str) -> None:
    told = notices(start, 2, "ddp")
    assert {"rank 0", "rank 1"} == set(re.findall(r"rank \d", told[-1]))


@pytest.mark.parametrize("start", STARTS)
def test_loaders_of_data_are_not_told(start: str) -> None:
    assert notices(start, 2, "loader") == []


def test_children_of_a_plain_fork_are_told() -> None:
    told = notices("fork", 3, "os")
    assert len(told) == 2
    assert "of a child process are not followed (pid " in told[0]
    assert "3 child processes" in told[1]


def test_one_child_is_told_once() -> None:
    (told,) = notices("fork", 1, "os")
    assert "of a child process are not followed (pid " in told


def test_a_child_started_anew_fails_as_it_would_have() -> None:
    there, here = plain(PROGRAM, "spawn", 1, "fails"), headless(PROGRAM, "spawn", 1, "fails")
    assert here.code == there.code
    assert here.printed("stdout") == there.out.decode() == "[1]\n"
    assert here.printed("stderr") == there.error
    assert "requires_grad" in there.error or "does not require grad" in there.error


def test_where_children_run_the_passes_no_engine_is_looked_for() -> None:
    done = gradtui("run", "--headless", "tests/programs/" + PROGRAM, "fork", 1, "process").out.decode()
    assert "are not followed" in done
    assert "gradtui.engine" not in done


def test_it_is_told_in_the_plain_face_and_while_the_program_runs() -> None:
    with driven(PROGRAM, "fork", "1", "process") as run:
        run.until(lambda: any("child process" in str(event) for event in run.events))
        assert run.end().code == 0
    done = gradtui("run", "--plain", "tests/programs/" + PROGRAM, "fork", 1, "process", stdin=b"c\n")
    assert b"notice: backward passes of a child process are not followed" in done.out
