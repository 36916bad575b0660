"""`gradtui check`: runs scenarios and says, a line each, whether they hold."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from gradtui.check import jsonlines
from gradtui.check.collect import Job, count_files, jobs_in
from gradtui.check.junit import Report
from gradtui.check.pool import Pool
from gradtui.check.verdict import Verdict, cleaned
from gradtui.session.errors import BadInput
from gradtui.wire.messages import Exited

CONTRACT = 1
"""Rises when a field of the JSON lines changes its meaning or goes away."""


def check(paths: Sequence[str], as_json: bool, junit: Path | None, at_a_time: int | None, out: TextIO) -> int:
    """Run what the paths mean; returns 0 if all hold, 1 if not, 128+N if signal N asked us to end.

    Raises `BadInput` before anything runs: a path that does not exist, a report that cannot be
    written, no programs at a time.
    """
    if at_a_time is not None and at_a_time < 1:
        raise BadInput(f"--jobs {at_a_time}: at least 1 program must run at a time")
    jobs = jobs_in(paths)
    report = Report(junit, jobs) if junit is not None else None
    printer: Printer = JsonPrinter(out) if as_json else TextPrinter(out, jobs)
    verdicts: list[Verdict | None] = [None] * len(jobs)
    try:
        with Asked() as asked:
            cut = _run(Pool(jobs, at_a_time or _cores()), verdicts, printer, asked)
        printer.end(jobs, verdicts, cut if asked.number is not None else None)
        if report is not None:
            report.write(jobs, verdicts)
    finally:
        if report is not None:
            report.close()
    if asked.number is not None:
        return 128 + asked.number
    return 0 if all(verdict is not None and verdict.holds for verdict in verdicts) else 1


def _run(pool: Pool, verdicts: list[Verdict | None], printer: Printer, asked: Asked) -> list[Job]:
    """Run all, or until somebody asks us to end; returns what had to be ended.

    Verdicts are printed in the order of the list, each as soon as those before it are.
    """
    shown = 0
    try:
        while not pool.done and asked.number is None:
            for place, verdict in pool.turn():
                verdicts[place] = verdict
            while shown < len(verdicts) and (next_ := verdicts[shown]) is not None:
                printer.show(next_)
                shown += 1
            printer.progress([one.job for one in pool.running], sum(v is not None for v in verdicts))
        cut = [one.job for one in pool.running]
    finally:
        pool.close()
    for late in verdicts[shown:]:  # ended, but something before it did not
        if late is not None:
            printer.show(late)
    return cut


def _cores() -> int:
    """Those that we may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# -------------------------------------------------------------------- printers


class TextPrinter:
    """A line a run for people; on a terminal also one that says what runs now."""

    def __init__(self, out: TextIO, jobs: Sequence[Job]) -> None:
        self._out = out
        self._total = len(jobs)
        self._width = max((len(cleaned(job.label)) + 1 for job in jobs if len(job.label) < 60), default=0)
        self._rewrites = out.isatty() and os.environ.get("TERM") != "dumb"
        self._line = ""

    def show(self, verdict: Verdict) -> None:
        """The verdict over one run; where it does not hold, why."""
        self._wipe()
        for line in lines_of(verdict, self._width):
            self._out.write(line + "\n")
        self._out.flush()

    def progress(self, running: list[Job], ended: int) -> None:
        """What runs now."""
        if not self._rewrites:
            return
        line = f"{ended} of {self._total} done, running: {', '.join(cleaned(job.label) for job in running)}"
        if running and line != self._line:
            self._line = line
            self._out.write(f"\r\x1b[K{line[: shutil.get_terminal_size().columns - 1]}")
            self._out.flush()

    def end(self, jobs: Sequence[Job], verdicts: Sequence[Verdict | None], cut: list[Job] | None) -> None:
        """`3 scenarios, 4 runs: 3 hold, 1 does not`; and what an interrupt ended."""
        self._wipe()
        if cut is not None:
            ended = ", ".join(cleaned(job.label) for job in cut)
            self._out.write(f"interrupted{f'; ended while running: {ended}' if ended else ''}\n")
        self._out.write(summary(jobs, verdicts) + "\n")
        self._out.flush()

    def _wipe(self) -> None:
        if self._line:
            self._out.write("\r\x1b[K")
            self._line = ""


def lines_of(verdict: Verdict, width: int = 0) -> Iterator[str]:
    """`ok    neuron.py`, or `FAIL` and why."""
    job = verdict.job
    name = f"{job.name}  {job.case.label}".rstrip()
    if verdict.reason is None:
        expected = len(verdict.found)
        note = f"  ({expected} expected finding{'' if expected == 1 else 's'})" if expected else ""
        if verdict.exited is not None and not verdict.exited.passes:
            note += "  (no backward pass was seen)"
        yield f"ok    {cleaned(name):{width}}{note}".rstrip()
        return
    yield f"FAIL  {cleaned(name)}"
    for line in (*verdict.reason.splitlines(), *verdict.details, *verdict.last_output):
        yield f"        {cleaned(line)}"


def summary(jobs: Sequence[Job], verdicts: Sequence[Verdict | None]) -> str:
    """How many hold, how many do not, how many nobody knows of."""
    ended = [verdict for verdict in verdicts if verdict is not None]
    hold = sum(verdict.holds for verdict in ended)
    fail, missing = len(ended) - hold, len(verdicts) - len(ended)
    files = count_files(jobs)
    parts = [f"{hold} hold{'s' if hold == 1 else ''}"] if hold else []
    parts += [f"{fail} do{'es' if fail == 1 else ''} not"] if fail else []
    parts += [f"{missing} not run to the end"] if missing else []
    told = "all hold" if hold == len(verdicts) > 1 else ", ".join(parts)
    return (
        f"{files} scenario{'' if files == 1 else 's'}, "
        f"{len(verdicts)} run{'' if len(verdicts) == 1 else 's'}: {told}"
    )


class JsonPrinter:
    """The contract of docs/ci.md: one ASCII object a line, and nothing else."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, verdict: Verdict) -> None:
        """The line of one run."""
        job, exited = verdict.job, verdict.exited
        self._write(
            {
                "type": "scenario",
                "file": job.name,
                "settings": dict(job.case.settings),
                "holds": verdict.holds,
                "reason": verdict.reason,
                "expected": list(job.case.findings),
                "found": [jsonlines.finding_record(finding) for finding in verdict.found],
                "exit": None if exited is None else _exit(exited),
                "seconds": round(verdict.seconds, 3),
            }
        )

    def progress(self, running: list[Job], ended: int) -> None:
        """Nothing: only verdicts are said."""

    def end(self, jobs: Sequence[Job], verdicts: Sequence[Verdict | None], cut: list[Job] | None) -> None:
        """The last line."""
        ended = [verdict for verdict in verdicts if verdict is not None]
        self._write(
            {
                "type": "summary",
                "version": CONTRACT,
                "scenarios": count_files(jobs),
                "runs": len(jobs),
                "hold": sum(verdict.holds for verdict in ended),
                "fail": sum(not verdict.holds for verdict in ended),
                "interrupted": cut is not None,
            }
        )

    def _write(self, record: dict[str, Any]) -> None:
        self._out.write(json.dumps(record, ensure_ascii=True, allow_nan=False) + "\n")
        self._out.flush()


def _exit(exited: Exited) -> dict[str, Any]:
    """As in the exit line of a run."""
    told = {"code": exited.code, "passes": exited.passes, "steps": exited.steps, "error": exited.error}
    return {"type": "exit", **told}


Printer = TextPrinter | JsonPrinter


# --------------------------------------------------------------------- signals


class Asked:
    """Context manager: notes the first signal that asks us to end, so that nothing is cut in the middle.

    A signal that we were started to ignore (`nohup`) stays ignored.
    """

    NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.number: int | None = None
        """The signal, None while nobody asked."""
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Asked:
        for number in self.NUMBERS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def _note(self, number: int, _: FrameType | None) -> None:
        self.number = self.number or number

    def __exit__(self, *exc: object) -> None:
        for number, handler in reversed(self._before.items()):
            signal.signal(number, handler)
