"""Which files `gradtui check` takes for scenarios, and what it says of those it cannot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from running import gradtui
from zoo import write_zoo

from gradtui.check.collect import is_scenario, jobs_in
from gradtui.session.errors import BadInput
from gradtui.session.programs import lessons_folder


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    return write_zoo(tmp_path)


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (["no_such.py"], "no such file: no_such.py"),
        (["holds.py", "no_such_lesson"], "no such file: no_such_lesson"),
        ([""], "no program: its path is empty"),
        (["--jobs", "0", "holds.py"], "--jobs 0: at least 1 program must run at a time"),
        (["empty"], "no scenarios in empty: "),
    ],
)
def test_bad_input_runs_nothing(paths: list[str], said: str, zoo: Path) -> None:
    (zoo / "empty").mkdir()
    (zoo / "empty" / "_only.py").touch()
    ended = gradtui("check", *paths, cwd=zoo)
    assert (ended.code, ended.out) == (2, b"")
    assert ended.error.startswith(f"gradtui: {said}")
    assert "Traceback" not in ended.error


def test_a_folder_that_cannot_be_read_is_no_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(BadInput, match="cannot read the folder"):
        jobs_in([str(tmp_path)])


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("neuron.py", True),
        ("testing.py", True),
        ("test_neuron.py", False),
        ("neuron_test.py", False),
        ("conftest.py", False),
        ("__init__.py", False),
        ("_engine.py", False),
        (".#neuron.py", False),
        ("neuron.pyw", False),
        ("neuron", False),
    ],
)
def test_which_files_of_a_folder_are_scenarios(name: str, meant: bool) -> None:
    assert is_scenario(Path("folder") / name) is meant


def test_a_file_that_is_named_is_taken_whatever_its_name(zoo: Path) -> None:
    (job,) = jobs_in([str(zoo / "test_it.py")])
    assert job.problem is None


def test_a_file_that_is_meant_twice_is_run_once(zoo: Path) -> None:
    twice = [str(zoo / "holds.py"), str(zoo), f"{zoo}/../{zoo.name}/holds.py"]
    names = [job.label for job in jobs_in(twice)]
    assert names[0] == str(zoo / "holds.py")
    assert sum("holds.py" in name for name in names) == 1
    assert len(names) == len(jobs_in([str(zoo)]))


def test_a_file_that_is_no_python_fails_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "binary.py").write_bytes(b"\0\1")
    (tmp_path / "dangling.py").symlink_to(tmp_path / "nowhere.py")
    paths = [str(tmp_path / name) for name in ("notes.txt", "binary.py", "dangling.py")]
    assert all(job.problem and job.program is None for job in jobs_in(paths))


def test_without_a_path_the_bundled_lessons() -> None:
    jobs = jobs_in([])
    assert {job.name for job in jobs} == {path.name for path in lessons_folder().glob("*.py")}
    assert not [job for job in jobs if job.problem], "every lesson declares what it can"


def test_a_lesson_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert {job.name for job in jobs_in(["accumulation", "scenarios/neuron.py"])} == {
        "accumulation.py",
        "neuron.py",
    }
