"""The JUnit report: one `testcase` a run, as continuous integration servers read it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import IO
from xml.etree import ElementTree

from gradtui.check.collect import Job
from gradtui.check.verdict import Verdict, cleaned
from gradtui.session.errors import BadInput


class Report:
    """A file that is open for writing from the start, so that nothing runs for a report nobody gets."""

    def __init__(self, path: Path, jobs: Sequence[Job]) -> None:
        """Raises `BadInput` when the file cannot be written, or is one of the scenarios."""
        self._path = path
        if any(os.path.realpath(job.path) == os.path.realpath(path) for job in jobs):
            raise BadInput(f"cannot write the JUnit report {path}: it is one of the scenarios")
        try:
            self._file: IO[bytes] = path.open("wb")
        except OSError as error:
            raise BadInput(f"cannot write the JUnit report {path}: {error.strerror}") from None

    def write(self, jobs: Sequence[Job], verdicts: Sequence[Verdict | None]) -> None:
        """Write the whole report; a job without a verdict was not run to its end."""
        tree = ElementTree.ElementTree(_suites(jobs, verdicts))
        ElementTree.indent(tree)
        try:
            tree.write(self._file, encoding="utf-8", xml_declaration=True)
            self._file.write(b"\n")
            self._file.close()
        except OSError as error:
            raise BadInput(f"cannot write the JUnit report {self._path}: {error.strerror}") from None

    def close(self) -> None:
        """Give the file back."""
        try:
            self._file.close()
        except OSError:
            pass  # it was said when it was written


def _suites(jobs: Sequence[Job], verdicts: Sequence[Verdict | None]) -> ElementTree.Element:
    given = [verdict for verdict in verdicts if verdict is not None]
    counts = {
        "tests": str(len(jobs)),
        "failures": str(sum(not v.holds and v.exited is not None for v in given)),
        "errors": str(sum(not v.holds and v.exited is None for v in given)),
        "skipped": str(len(jobs) - len(given)),
        "time": f"{sum(v.seconds for v in given):.3f}",
    }
    suites = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(suites, "testsuite", {"name": "gradtui", **counts})
    for job, verdict in zip(jobs, verdicts):
        _case(suite, job, verdict)
    return suites


def _case(suite: ElementTree.Element, job: Job, verdict: Verdict | None) -> None:
    where = {"classname": cleaned(class_name(job.name)), "name": cleaned(job.case.label or "run")}
    case = ElementTree.SubElement(suite, "testcase", where)
    case.set("time", f"{verdict.seconds if verdict else 0:.3f}")
    case.set("file", cleaned(job.name))
    if verdict is None:
        ElementTree.SubElement(case, "skipped", {"message": "not run to its end: interrupted"})
        return
    if verdict.reason is not None:
        kind = "failure" if verdict.exited is not None else "error"
        reason = cleaned(verdict.reason)
        told = ElementTree.SubElement(case, kind, {"message": reason.splitlines()[0], "type": kind})
        told.text = "\n".join((reason, *map(cleaned, verdict.details), *verdict.last_output))
    if verdict.output:
        ElementTree.SubElement(case, "system-out").text = verdict.output


def class_name(name: str) -> str:
    """`scenarios/neuron.py` as servers group it: `scenarios.neuron`."""
    parts = [part for part in PurePath(name).with_suffix("").parts if part.strip("./")]
    return ".".join(parts)
