"""What a verdict keeps of a run, and how it is told."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from running import PROGRAMS
from zoo import ZOO

from gradtui.check.collect import Job, count_files, jobs_in
from gradtui.check.pool import run_one
from gradtui.check.scenarios import lines_of, summary
from gradtui.check.verdict import KEPT, TAIL, Verdict, cleaned
from gradtui.session.scenarios import Case


def test_a_finding_beyond_the_declared_number_is_one_too_many(tmp_path: Path) -> None:
    """Two of a kind where one is declared; and the second is the one that is shown."""
    shutil.copy(ZOO / "_engine.py", tmp_path)
    once = (ZOO / "extra.py").read_text().replace('"order": 3', '"findings": ["overwritten-gradient"]')
    (tmp_path / "once.py").write_text(once)
    (tmp_path / "twice.py").write_text(once + "c = a + Value(1.0)\nc.backward()\n")
    first, second = (
        run_one(job) for name in ("once.py", "twice.py") for job in jobs_in([str(tmp_path / name)])
    )
    assert first.holds, first
    assert second.reason == "expected overwritten-gradient, got overwritten-gradient (2 times)"
    assert any(line.startswith("finding: overwritten-gradient (pass 2,") for line in second.details)
    assert not any("(pass 1," in line for line in second.details)


def test_both_what_it_died_of_and_what_was_found_are_said(tmp_path: Path) -> None:
    shutil.copy(ZOO / "_engine.py", tmp_path)
    (tmp_path / "dies.py").write_text((ZOO / "extra.py").read_text() + "raise SystemExit(4)\n")
    (job,) = jobs_in([str(tmp_path / "dies.py")])
    verdict = run_one(job)
    assert verdict.reason is not None
    assert verdict.reason.splitlines() == [
        "ended with exit code 4: 1 pass, 1 step, 1 finding",
        "expected no findings, got overwritten-gradient",
    ]
    assert "overwritten-gradient" in "\n".join(verdict.details)


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("plain", "plain"),
        ("日本\u00a0x\ty\n", "日本\u00a0x\ty\n"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\0\x7f\x85", "\\x00\\x7f\\x85"),
        ("\ud800\uffff", "\\ud800\\uffff"),
    ],
)
def test_cleaned(printed: str, shown: str) -> None:
    assert cleaned(printed) == shown


def verdict(holds: bool = True, **settings: str) -> Verdict:
    return Verdict(Job(Path("x.py"), "x.py", Case(settings, ())), None if holds else "why")


@pytest.mark.parametrize(
    ("verdicts", "told"),
    [
        ([verdict()], "1 scenario, 1 run: 1 holds"),
        ([verdict(), verdict()], "1 scenario, 2 runs: all hold"),
        ([verdict(False)], "1 scenario, 1 run: 1 does not"),
        ([verdict(), verdict(False), verdict(False)], "1 scenario, 3 runs: 1 holds, 2 do not"),
        ([verdict(), None], "1 scenario, 2 runs: 1 holds, 1 not run to the end"),
    ],
)
def test_the_summary(verdicts: list[Any], told: str) -> None:
    jobs = [Job(Path("x.py"), "x.py")] * len(verdicts)
    assert summary(jobs, verdicts) == told
    assert count_files(jobs) == 1


def test_a_line_without_control_characters() -> None:
    bad = Verdict(Job(Path("x.py"), "x\x1b.py"), "why \x1b[2J")
    assert list(lines_of(bad)) == ["FAIL  x\\x1b.py", "        why \\x1b[2J"]


def test_a_verdict_keeps_the_newest_output(tmp_path: Path) -> None:
    (tmp_path / "prints.py").write_text("for i in range(1000):\n    print(i)\nraise SystemExit(1)\n")
    (job,) = jobs_in([str(tmp_path / "prints.py")])
    kept = run_one(job)
    assert kept.output.splitlines() == [str(i) for i in range(1000 - KEPT, 1000)]
    assert kept.last_output[1:] == tuple(f"  | {i}" for i in range(1000 - TAIL, 1000))


def test_programs_of_the_other_tests_say_why_they_fail() -> None:
    """Twelve lines of a traceback are enough to see where."""
    (job,) = jobs_in([str(PROGRAMS / "raises.py")])
    failed = run_one(job)
    assert failed.reason is not None
    assert failed.reason.startswith("ValueError: first line (raises.py:17) (exit code 1): ")
    assert any("raises.py" in line for line in failed.last_output)
