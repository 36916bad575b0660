"""Which scenarios are meant, and how often each is to be run: once for every declared knob setting.

Reads files, starts nothing, and loads nothing that a program needs.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gradtui.session.errors import BadInput
from gradtui.session.knobs import check_settings
from gradtui.session.programs import Program, lessons_folder, open_program
from gradtui.session.scenarios import Case

NONE = Case({}, ())
"""What stands for the cases of a file that cannot be read."""


@dataclass(frozen=True)
class Job:
    """One case of one scenario file."""

    path: Path
    name: str
    """The file as it is shown: as the person wrote it; of a bundled lesson the file's name."""
    case: Case = NONE
    program: Program | None = None
    """What to run; None where it cannot be run."""
    problem: str | None = None
    """Why it cannot be run."""

    @property
    def label(self) -> str:
        """`accumulation.py repaired=off`."""
        return f"{self.name} {self.case.label}".rstrip()


def is_scenario(path: Path) -> bool:
    """Is a file of a scenario folder one of its scenarios? By its name alone.

    Left out are hidden files, names that begin with `_` (modules that scenarios share) and what
    pytest takes for tests or set-up.
    """
    name = path.name
    return (
        path.suffix == ".py"
        and not name.startswith((".", "_", "test_"))
        and not name.endswith("_test.py")
        and name != "conftest.py"
    )


def jobs_in(paths: Sequence[str]) -> list[Job]:
    """The jobs that the paths mean, in their order; without paths those of the bundled lessons.

    Raises `BadInput` for a path that does not exist and for a folder without scenarios. A file that
    is there but cannot be run becomes a job with a problem.
    """
    if not paths:
        return _jobs_of_folder(lessons_folder(), shown_as_names=True)
    jobs: list[Job] = []
    seen: set[str] = set()
    for path in paths:
        found = _jobs_of_folder(Path(path)) if os.path.isdir(path or ".") and path else _jobs_of_path(path)
        jobs += [job for job in found if os.path.realpath(job.path) not in seen]
        seen |= {os.path.realpath(job.path) for job in found}
    return jobs


def _jobs_of_path(name: str) -> list[Job]:
    if os.path.lexists(name):
        return jobs_of(Path(name), name)
    lesson = open_program(name).path  # raises where there is none
    return jobs_of(lesson, lesson.name)


def _jobs_of_folder(folder: Path, shown_as_names: bool = False) -> list[Job]:
    """Lessons in their order, then by name."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise BadInput(f"cannot read the folder {folder}: {error.strerror}") from None
    paths = [folder / name for name in names if is_scenario(Path(name))]
    if not paths:
        raise BadInput(
            f"no scenarios in {folder}: no Python file whose name does not begin with '_' or 'test_' "
            "(folders inside it are not searched: name them as well)"
        )
    files = [jobs_of(path, path.name if shown_as_names else str(path)) for path in paths]
    return [job for jobs in sorted(files, key=_order) for job in jobs]


def _order(jobs: list[Job]) -> float:
    program = jobs[0].program
    return program.scenario.order if program else float("inf")


def jobs_of(path: Path, name: str) -> list[Job]:
    """The jobs of one file. Never raises for what the file holds."""
    try:
        program = open_program(str(path))
    except BadInput as error:
        return [Job(path, name, problem=str(error))]
    return [_job(path, name, program, case) for case in program.scenario.cases]


def _job(path: Path, name: str, program: Program, case: Case) -> Job:
    try:
        check_settings(program.knobs, case.settings)
    except BadInput as error:
        return Job(path, name, case, program, f"SCENARIO declares findings for {case.label!r}: {error}")
    return Job(path, name, case, program)


def count_files(jobs: Iterable[Job]) -> int:
    """How many files the jobs come from."""
    return len({job.path for job in jobs})
