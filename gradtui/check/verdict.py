"""Does a scenario hold? What a run did beside what the file declares."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from gradtui.check import text
from gradtui.check.collect import Job
from gradtui.trace import Finding, Trace
from gradtui.wire.messages import Exited

KEPT = 200
"""Lines of the program's output, the newest, that a verdict keeps."""
TAIL = 12
"""Lines of it that are shown where a program ends badly."""
WIDEST = 400
"""Characters shown of one line of output."""
NOTICES = 3
"""Notices shown beside a failure."""


@dataclass(frozen=True)
class Verdict:
    """What became of one job. Keeps no trace."""

    job: Job
    reason: str | None
    """Why it does not hold; None if it does. The first line says it all."""
    details: tuple[str, ...] = ()
    """Lines for people: the first offending step and finding, notices, how the program ended."""
    found: tuple[Finding, ...] = ()
    exited: Exited | None = None
    """None where the program was not started."""
    output: str = ""
    """The newest part of what the program printed."""
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Is all as declared?"""
        return self.reason is None

    @property
    def last_output(self) -> tuple[str, ...]:
        """The last lines that a program printed which ended badly, with a heading; () for others."""
        if self.exited is None or not _ended_badly(self.exited) or not self.output:
            return ()
        last = self.output.splitlines()[-TAIL:]
        return "its last output:", *(f"  | {line[:WIDEST]}".rstrip() for line in last)


def judge(job: Job, trace: Trace, seconds: float) -> Verdict:
    """The verdict over a run that has ended."""
    exited = trace.exited
    assert exited is not None
    offender = _first_extra(job, trace)
    reasons = [text.farewell(trace, exited)] if _ended_badly(exited) else []
    if offender is not None or (not reasons and _kinds(trace.findings) != job.case.findings):
        declared, got = _listed(job.case.findings), _listed(_kinds(trace.findings))
        reasons.append(f"expected {declared or 'no findings'}, got {got or 'no findings'}")
    newest = islice(trace.output.lines, max(0, len(trace.output.lines) - KEPT), None)
    return Verdict(
        job,
        "\n".join(reasons) or None,
        tuple(_details(trace, exited, offender)) if reasons else (),
        tuple(trace.findings),
        exited,
        "\n".join(cleaned(line) for _, line in newest),
        seconds,
    )


def _ended_badly(exited: Exited) -> bool:
    """With 0 a program may still have left in the middle of a pass, or its stream may have broken off."""
    return bool(exited.code or exited.error)


def _kinds(findings: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(sorted(finding.kind for finding in findings))


def _listed(kinds: Iterable[str]) -> str:
    """`nonfinite, order (2 times)`."""
    return ", ".join(
        kind if times == 1 else f"{kind} ({times} times)" for kind, times in sorted(Counter(kinds).items())
    )


def _first_extra(job: Job, trace: Trace) -> Finding | None:
    """The first finding that is not declared."""
    left = Counter(job.case.findings)
    for finding in trace.findings:
        if not left[finding.kind]:
            return finding
        left[finding.kind] -= 1
    return None


def _details(trace: Trace, exited: Exited, offender: Finding | None) -> Iterator[str]:
    if offender is not None:
        yield from _finding(trace, offender)
    yield from (f"notice: {notice.message}" for notice in list(trace.notices)[:NOTICES])
    *unchecked, farewell = text.lines_of(trace, exited, [])
    yield from unchecked
    if not _ended_badly(exited):  # otherwise it is the reason
        yield farewell


def _finding(trace: Trace, finding: Finding) -> Iterator[str]:
    """The step at which it was found, as a run without a screen prints it, and the finding."""
    pass_ = trace.pass_numbered(finding.pass_number)
    if pass_ is not None and 0 < finding.step <= len(pass_.messages):
        yield from text.lines_of(trace, pass_.messages[finding.step - 1], [finding])
    else:
        yield from text.finding_lines(finding)


def cleaned(printed: str) -> str:
    """Text without what would move a cursor or break an XML file: those characters are written out."""
    if printed.isprintable():
        return printed
    return "".join(
        c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs", "Cn") else _written_out(c)
        for c in printed
    )


def _written_out(c: str) -> str:
    return c.encode("unicode_escape").decode("ascii")
