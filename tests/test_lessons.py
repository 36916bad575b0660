"""The lessons in scenarios/: each runs under plain Python, declares itself, and keeps what it declares."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from running import gradtui, plain

from gradtui.session.knobs import check_settings, find_knobs, show
from gradtui.session.programs import open_program
from gradtui.session.recorded import lesson_in
from gradtui.session.scenarios import Case, Scenario, find_scenario
from gradtui.trace import Trace
from gradtui.wire.messages import Hello, Source
from gradtui.wire.recording import read_recording

HOME = Path(__file__).parent.parent / "scenarios"
LESSONS = sorted(path.name for path in HOME.glob("*.py"))
KINDS = {"overwritten-gradient", "twin-mismatch", "order", "nonfinite", "stale-gradient"}


def tree(lesson: str) -> ast.Module:
    return ast.parse((HOME / lesson).read_text(encoding="utf-8"))


def declared(lesson: str) -> Scenario:
    return find_scenario(HOME / lesson, tree(lesson))


CASES = [
    pytest.param(lesson, case, id=f"{lesson} {case.label}".strip())
    for lesson in LESSONS
    for case in declared(lesson).cases
]


def as_opened(lesson: str) -> Case:
    """The case in which every knob is as the file has it: that is where the hints are read."""
    written = {knob.name: show(knob.default) for knob in find_knobs(tree(lesson))}
    return next(case for case in declared(lesson).cases if case.settings == written)


@dataclass(frozen=True)
class Seen:
    """What the tests ask of a run."""

    code: int
    error: str
    findings: list[str]
    notices: list[str]
    steps: dict[int, int]
    """How many each pass has."""
    uncompared: list[str]
    """Why a node has no twin, for each that has none."""


@cache
def _watched(lesson: str, settings: tuple[tuple[str, str], ...]) -> Seen:
    """A lesson under gradtui, run once for all tests."""
    knobs = [option for name, value in settings for option in ("--set", f"{name}={value}")]
    ended = gradtui("run", "--headless", "--json", *knobs, HOME / lesson)
    lines = ended.lines
    steps = [line for line in lines if line["type"] == "step"]
    return Seen(
        ended.code,
        ended.error,
        sorted(line["kind"] for line in lines if line["type"] == "finding"),
        [line["message"] for line in lines if line["type"] == "notice"],
        {line["pass"]: line["step"] for line in steps},
        [line["twin"]["missing"] for line in steps if line["twin"] and "missing" in line["twin"]],
    )


def watched(lesson: str, case: Case) -> Seen:
    return _watched(lesson, tuple(case.settings.items()))


# -------------------------------------------------------------------------- as they are written


def test_there_are_sixteen_and_they_have_an_order() -> None:
    assert sorted(declared(lesson).order for lesson in LESSONS) == list(range(1, 17))


@pytest.mark.parametrize("lesson", LESSONS)
def test_it_opens_with_a_title_and_a_text(lesson: str) -> None:
    text = ast.get_docstring(tree(lesson))
    assert text is not None
    title, *paragraphs = inspect.cleandoc(text).split("\n\n")
    assert 5 < len(title) <= 60
    assert "\n" not in title
    assert not title.endswith(".")
    assert len(paragraphs) >= 2
    assert "`n`" in text or "`]`" in text, "it says what to press"


@pytest.mark.parametrize("lesson", LESSONS)
def test_its_literal_stands_right_below_the_text(lesson: str) -> None:
    assert declared(lesson).declared
    second = tree(lesson).body[1]
    assert isinstance(second, ast.Assign)
    assert ast.unparse(second.targets[0]) == "SCENARIO"


@pytest.mark.parametrize("lesson", LESSONS)
def test_its_settings_and_kinds_exist(lesson: str) -> None:
    knobs = find_knobs(tree(lesson))
    cases = declared(lesson).cases
    for case in cases:
        check_settings(knobs, case.settings)
        assert set(case.findings) <= KINDS
    for knob in knobs:  # a setting that one can pick is a setting that is checked
        tried = {case.settings.get(knob.name) for case in cases}
        assert len(tried) == len(knob.options) >= 2


# ----------------------------------------------------------------------------------- as they run


@pytest.mark.parametrize("lesson", LESSONS)
def test_it_runs_under_plain_python(lesson: str) -> None:
    ended = plain(HOME / lesson)
    assert ended.code == 0, ended.error
    assert not ended.error
    assert 1 <= ended.out.count(b"\n") <= 20


@pytest.mark.parametrize(("lesson", "case"), CASES)
def test_it_ends_well_with_the_findings_that_it_declares(lesson: str, case: Case) -> None:
    seen = watched(lesson, case)
    assert seen.code == 0, seen.error
    assert seen.findings == list(case.findings)
    assert not seen.notices


@pytest.mark.parametrize(("lesson", "case"), CASES)
def test_every_node_of_it_is_compared_with_torch(lesson: str, case: Case) -> None:
    assert not watched(lesson, case).uncompared


@pytest.mark.parametrize("lesson", LESSONS)
def test_its_hints_are_at_steps_that_exist(lesson: str) -> None:
    scenario = declared(lesson)
    assert scenario.hints
    steps = watched(lesson, as_opened(lesson)).steps
    for number, step in scenario.hints:
        assert number in steps, f"there is no pass {number}"
        assert step <= steps[number], f"pass {number} has {steps[number]} steps"


def test_a_recording_has_the_text_and_the_hints(tmp_path: Path) -> None:
    recording, lesson = tmp_path / "neuron.trace", open_program("neuron")
    assert gradtui("run", "--headless", "--out", recording, "neuron").code == 0
    assert lesson.scenario.hints
    assert lesson_in(Trace.of(read_recording(recording))) == (lesson.lesson, lesson.scenario.hints)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('"""Text."""\nSCENARIO = {"hints": {"1:2": "Look."}}', ("Text.", {(1, 2): "Look."})),
        ('"""Text."""\nSCENARIO = {"hints": {"late": "Look."}}', ("Text.", {})),
        ("x = (", ("", {})),
        (None, ("", {})),
    ],
)
def test_what_a_recorded_text_tells(text: str | None, told: object) -> None:
    trace = Trace()
    trace.fold(Hello(1, "folder/lesson.py", (), "3.11.0", 1, "/"))
    trace.fold(Source(1, "/folder/lesson.py", text))
    assert lesson_in(trace) == told
