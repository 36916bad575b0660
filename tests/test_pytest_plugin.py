"""The pytest plugin, as pytest runs it in a project of somebody else's."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

import pytest
from running import PATIENCE, Ended, run
from zoo import HANGS, REASONS, ZOO, alive, hanging_pid

INI = "[pytest]\ntestpaths = tests scenarios\ngradtui_scenarios = scenarios\n"
PYTEST = (sys.executable, "-W", "error", "-m", "pytest", "-W", "error", "-p", "no:cacheprovider")
ENV = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""No other plugin, and ours the same way whether or not its entry point is installed."""

TEST = """
def test_of_the_project():
    assert True
"""
FIXTURE = """
from gradtui.scalar import Value

def test_gradients(gradtui):
    a = Value(3.0)
    b = a + a
    with gradtui.record(twin=False) as trace:
        b.backward()
    assert not trace.findings
    assert a.grad == 2
"""


def project(folder: Path, *names: str, ini: str = INI) -> Path:
    """A project with a test and these scenarios of the zoo; all of them without names."""
    (folder / "pytest.ini").write_text(ini)
    (folder / "tests").mkdir()
    (folder / "tests" / "test_project.py").write_text(TEST)
    (folder / "scenarios").mkdir()
    for path in ZOO.glob("*.py"):
        if not names or path.name in (*names, "_engine.py"):
            shutil.copy(path, folder / "scenarios")
    return folder


def run_pytest(folder: Path, *argv: str) -> Ended:
    return run(*PYTEST, "-p", "gradtui.pytest_plugin", *argv, cwd=folder, env=ENV)


def collected(folder: Path, *argv: str) -> list[str]:
    ended = run_pytest(folder, "--collect-only", "-q", *argv)
    assert ended.code == 0, ended.out.decode()
    assert ended.err == b""
    return [line for line in ended.out.decode().splitlines() if "::" in line]


OURS = ["scenarios/declared.py::broken=on", "scenarios/declared.py::broken=off", "scenarios/holds.py::run"]
THEIRS = "tests/test_project.py::test_of_the_project"

# -------------------------------------------------------------------- collecting


def test_one_item_for_each_setting(tmp_path: Path) -> None:
    project(tmp_path, "declared.py", "holds.py")
    assert collected(tmp_path) == [THEIRS, *OURS]
    assert collected(tmp_path, "scenarios") == OURS


def test_without_the_setting_nothing_is_collected(tmp_path: Path) -> None:
    project(tmp_path, "declared.py", "holds.py", ini="[pytest]\n")
    assert collected(tmp_path) == [THEIRS]


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        (["scenarios/declared.py"], OURS[:2]),
        (["scenarios/declared.py::broken=off"], OURS[1:2]),
        (["scenarios/holds.py::run", "tests"], [OURS[2], THEIRS]),
        (["-k", "declared and on and not off"], OURS[:1]),
        (["-k", "test_of_the_project"], [THEIRS]),
        (["--doctest-modules"], [THEIRS, *OURS]),
        (["-o", "python_files=*.py"], [THEIRS, *OURS]),
        (["-o", "python_files=*.py", "scenarios/holds.py"], OURS[2:]),
        (["-o", "gradtui_scenarios=scenarios/holds.py"], [THEIRS, OURS[2]]),
        (["-o", "gradtui_scenarios=tests/../scenarios"], [THEIRS, *OURS]),
    ],
    ids=lambda part: " ".join(part),
)
def test_what_is_asked_for(argv: list[str], found: list[str], tmp_path: Path) -> None:
    """And a scenario is never taken for a module: that would run it while tests are collected."""
    project(tmp_path, "declared.py", "holds.py")
    (tmp_path / "scenarios" / "_engine.py").unlink()  # what runs now fails
    assert collected(tmp_path, *argv) == found


def test_from_another_folder(tmp_path: Path) -> None:
    """The setting is relative to its file."""
    project(tmp_path, "declared.py", "holds.py")
    ended = run_pytest(tmp_path / "scenarios", "--collect-only", "-q")
    assert [line for line in ended.out.decode().splitlines() if "::" in line] == OURS


def test_what_else_lies_in_the_folder_is_left_to_pytest(tmp_path: Path) -> None:
    project(tmp_path, "holds.py")
    (tmp_path / "scenarios" / "test_more.py").write_text(TEST)
    (tmp_path / "scenarios" / "inner").mkdir()
    (tmp_path / "scenarios" / "inner" / "deeper.py").write_text("raise SystemExit('not searched')\n")
    assert collected(tmp_path, "scenarios") == [
        OURS[2],
        "scenarios/test_more.py::test_of_the_project",
    ]


def test_a_folder_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    project(tmp_path, ini="[pytest]\ngradtui_scenarios = scenario\n")
    ended = run_pytest(tmp_path)
    assert ended.code == pytest.ExitCode.USAGE_ERROR
    assert ended.error.strip() == f"ERROR: gradtui_scenarios: there is no {tmp_path / 'scenario'}"


# ----------------------------------------------------------------------- running


def test_the_zoo(tmp_path: Path) -> None:
    """The same verdicts as `gradtui check`, and every other test still runs."""
    project(tmp_path)
    (tmp_path / "scenarios" / "syntax.py").write_text("'''Broken'''\ndef broken(\n")
    (tmp_path / "tests" / "test_fixture.py").write_text(FIXTURE)
    ended = run_pytest(tmp_path, "-v", "--junitxml=report.xml")
    shown = ended.out.decode()
    assert (ended.code, ended.err) == (1, b"")
    assert f"{len(REASONS)} failed, 6 passed" in shown.splitlines()[-1]
    for name, reason in REASONS:
        assert (
            reason.splitlines()[0].replace(name, str(tmp_path / "scenarios" / name)) in shown
            or reason in shown
        )
    assert "scenarios/declared.py::broken=on PASSED" in shown
    assert "gradtui/check" not in shown, "no traceback of ours"
    assert "gradtui/pytest_plugin" not in shown
    extra = shown[shown.index("_ scenario scenarios/extra.py _") :]
    assert "\n   1  +" in extra, "the offending step"
    assert "    at fault:  scenarios/_engine.py:" in extra
    raised = shown[shown.index("_ scenario scenarios/raises_in_pass.py _") :].splitlines()
    assert "Captured output call" in raised[2]
    assert raised[3] == "Traceback (most recent call last):"
    cases = ElementTree.parse(tmp_path / "report.xml").getroot()[0]
    names = {(case.get("classname"), case.get("name")) for case in cases}
    assert {("scenarios.declared", "broken=on"), ("scenarios.syntax", "run")} <= names


def test_it_holds_and_nothing_else_is_said(tmp_path: Path) -> None:
    project(tmp_path, "declared.py")
    ended = run_pytest(tmp_path, "-q")
    assert (ended.code, ended.err) == (0, b"")
    assert ended.out.decode().splitlines()[0].startswith("...")


def test_an_interrupt_ends_the_program(tmp_path: Path) -> None:
    project(tmp_path, "holds.py")
    (tmp_path / "scenarios" / "hangs.py").write_text(HANGS)
    command = [*PYTEST, "-p", "gradtui.pytest_plugin", "scenarios/hangs.py"]
    process = subprocess.Popen(command, cwd=tmp_path, env=ENV, stdout=subprocess.PIPE)
    pid = hanging_pid(tmp_path)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    deadline = time.monotonic() + PATIENCE
    while alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_time_limit_ends_the_program(tmp_path: Path) -> None:
    """As plugins set one: an alarm whose handler fails the test."""
    project(tmp_path, "holds.py")
    (tmp_path / "scenarios" / "hangs.py").write_text(HANGS)
    (tmp_path / "conftest.py").write_text(
        "import os, pytest, signal\n"
        "def fail(number, frame):\n"
        "    if os.path.exists('pid'):\n"
        "        signal.setitimer(signal.ITIMER_REAL, 0)\n"
        "        pytest.fail('too slow')\n"
        "def pytest_runtest_call(item):\n"
        "    signal.signal(signal.SIGALRM, fail)\n"
        "    signal.setitimer(signal.ITIMER_REAL, 0.2, 0.2)\n"
    )
    ended = run_pytest(tmp_path, "scenarios/hangs.py")
    assert ended.code == 1
    lines = ended.out.decode().splitlines()
    place = next(i for i, line in enumerate(lines) if "_ scenario scenarios/hangs.py _" in line)
    assert lines[place + 1] == "too slow"
    assert lines[place + 2].startswith("===")
    assert not alive(hanging_pid(tmp_path))


# ----------------------------------------------------------------------- loading


def test_loading_it_is_cheap() -> None:
    code = (
        "import pytest, sys; before = set(sys.modules); import gradtui.pytest_plugin;"
        "print(*sorted(set(sys.modules) - before))"
    )
    new = set(run(sys.executable, "-W", "error", "-c", code).out.decode().split())
    assert new == {"gradtui", "gradtui.userapi", "gradtui.pytest_plugin"}


def test_collecting_loads_nothing_heavy(tmp_path: Path) -> None:
    project(tmp_path, "declared.py")
    (tmp_path / "conftest.py").write_text(
        "import sys\n"
        "def pytest_collection_finish(session):\n"
        "    heavy = {'torch', 'textual', 'gradtui.trace', 'gradtui.session.session'} & set(sys.modules)\n"
        "    assert not heavy, heavy\n"
    )
    assert collected(tmp_path) == [THEIRS, *OURS[:2]]


def test_pytest_finds_it_by_itself() -> None:
    """By the entry point of the installed package."""
    (point,) = metadata.entry_points(group="pytest11", name="gradtui")
    assert point.value == "gradtui.pytest_plugin"
    env = {name: value for name, value in ENV.items() if name != "PYTEST_DISABLE_PLUGIN_AUTOLOAD"}
    assert "gradtui_scenarios" in run(sys.executable, "-m", "pytest", "--help", env=env).out.decode()
