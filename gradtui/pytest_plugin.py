"""The pytest plugin: scenario files as tests, and the fixture `gradtui`.

Scenario files are collected only where the setting `gradtui_scenarios` names their folders. Loading
this module loads pytest and next to nothing of ours; the rest comes when a scenario is met.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import gradtui as package

if TYPE_CHECKING:
    from gradtui.check.collect import Job

SETTING = "gradtui_scenarios"
_FOLDERS = pytest.StashKey[frozenset[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The setting that turns the collecting on."""
    parser.addini(
        SETTING,
        "scenario files of gradtui, or folders of them, to run as tests (relative to this file)",
        type="paths",
        default=[],
    )


def pytest_configure(config: pytest.Config) -> None:
    """Read the setting. A folder that is not there is a mistake in it, and said."""
    paths: list[Path] = config.getini(SETTING)
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise pytest.UsageError(f"{SETTING}: there is no {missing[0]}")
    config.stash[_FOLDERS] = frozenset(os.path.realpath(path) for path in paths)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """A scenario is ours alone: as a module or for its doctests it would be run while tests are collected."""
    if not _is_ours(file_path, parent.config.stash[_FOLDERS]):
        return (yield)
    yield
    return [ScenarioFile.from_parent(parent, path=file_path)]


def _is_ours(path: Path, folders: frozenset[str]) -> bool:
    if not folders or path.suffix != ".py":
        return False
    from gradtui.check.collect import is_scenario

    real = os.path.realpath(path)
    return real in folders or (os.path.dirname(real) in folders and is_scenario(path))


class ScenarioFile(pytest.File):
    """A scenario: one item for each knob setting that it declares."""

    def collect(self) -> Iterable[ScenarioItem]:
        """The items; a file that cannot be run is one item that fails, so that other tests still run."""
        from gradtui.check.collect import jobs_of

        for job in jobs_of(self.path, _shown(self.path)):
            name = ",".join(f"{knob}={value}" for knob, value in job.case.settings.items()) or "run"
            yield ScenarioItem.from_parent(self, name=name, job=job)


class ScenarioItem(pytest.Item):
    """One case of a scenario: holds, or fails with the first offending step."""

    def __init__(self, *, job: Job, **rest: Any) -> None:
        super().__init__(**rest)
        self.job = job

    def runtest(self) -> None:
        """Run the program in its own process. An interrupt or a timeout that raises here ends it."""
        from gradtui.check.pool import run_one

        verdict = run_one(self.job)
        if verdict.output:
            self.add_report_section("call", "output", verdict.output)
        if verdict.reason is not None:
            raise DoesNotHold("\n".join((verdict.reason, *verdict.details)))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Why it does not hold, without a traceback of ours; also where a time limit ended it."""
        from gradtui.session.errors import BadInput

        if isinstance(excinfo.value, (DoesNotHold, BadInput, pytest.fail.Exception)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Path, line (a scenario is its whole file) and title."""
        return self.path, None, f"scenario {self.job.label}"


class DoesNotHold(Exception):
    """A scenario does not hold; the text says why."""


def _shown(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith(os.pardir) else relative


@pytest.fixture(name="gradtui", scope="session")
def _gradtui() -> ModuleType:
    """The package: `with gradtui.record() as trace: loss.backward()`."""
    return package
