"""`gradtui check` over a zoo of scenarios: which hold, and what is said of those that do not."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest
from running import Ended, gradtui
from zoo import HOLD, REASONS, write_zoo

from gradtui.check.junit import class_name


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(scope="module")
def json_run(zoo: Path) -> Ended:
    return gradtui("check", "--json", "--jobs", "3", ".", cwd=zoo)


@pytest.fixture(scope="module")
def text_run(zoo: Path) -> Ended:
    return gradtui("check", "--junit", "report.xml", ".", cwd=zoo)


# ---------------------------------------------------------------------- verdicts


def test_who_holds(json_run: Ended) -> None:
    held: dict[str, list[str]] = {}
    for line in json_run.of_type("scenario"):
        if line["holds"]:
            assert line["reason"] is None
            label = " ".join(f"{name}={value}" for name, value in line["settings"].items())
            held.setdefault(line["file"], []).append(label)
    assert held == HOLD
    assert (json_run.code, json_run.err) == (1, b"")


def test_why_the_others_do_not(json_run: Ended) -> None:
    """In the order that they declare; those that cannot be read come last."""
    failed = [(line["file"], line["reason"]) for line in json_run.of_type("scenario") if not line["holds"]]
    assert failed == REASONS


LINE = {
    "type": str,
    "file": str,
    "settings": dict,
    "holds": bool,
    "reason": (str, type(None)),
    "expected": list,
    "found": list,
    "exit": (dict, type(None)),
    "seconds": float,
}


def test_the_contract_of_the_lines(json_run: Ended) -> None:
    *lines, last = json_run.lines
    for line in lines:
        assert list(line) == list(LINE)
        for name, kind in LINE.items():
            assert isinstance(line[name], kind), (line, name)
        assert line["exit"] is None or set(line["exit"]) == {"type", "code", "passes", "steps", "error"}
    held = sum(map(len, HOLD.values()))
    assert last == {
        "type": "summary",
        "version": 1,
        "scenarios": 12,
        "runs": held + len(REASONS),
        "hold": held,
        "fail": len(REASONS),
        "interrupted": False,
    }


def test_the_findings_are_those_of_a_run(zoo: Path, json_run: Ended) -> None:
    alone = gradtui("run", "--headless", "--json", "extra.py", cwd=zoo)
    (line,) = [line for line in json_run.of_type("scenario") if line["file"] == "extra.py"]
    assert line["found"] == alone.of_type("finding")
    assert line["exit"] == alone.exit
    assert len(line["found"]) == 1
    (line,) = [line for line in json_run.of_type("scenario") if line["settings"] == {"broken": "on"}]
    assert line["expected"] == [finding["kind"] for finding in line["found"]] == ["overwritten-gradient"]


def test_text_for_people(text_run: Ended) -> None:
    lines = text_run.out.decode().splitlines()
    assert text_run.code == 1
    assert text_run.err == b""
    assert b"\r" not in text_run.out
    assert b"\x1b" not in text_run.out
    assert lines[0] == "ok    holds.py"
    assert re.fullmatch(r"ok    declared\.py  broken=on +\(1 expected finding\)", lines[1])
    assert lines[2] == "ok    declared.py  broken=off"
    assert lines[-1] == "12 scenarios, 15 runs: 4 hold, 11 do not"
    heads = Counter(line.split()[0] for line in lines[:-1] if not line.startswith(" "))
    assert heads == {"ok": 4, "FAIL": 11}


def block(ended: Ended, name: str) -> str:
    """What is said of the failure of one file, without the indent."""
    text = ended.out.decode()
    start = text.index(f"FAIL  {name}")
    lines = text[start:].splitlines()[1:]
    own = []
    for line in lines:
        if not line.startswith("        "):
            break
        own.append(line[8:])
    return "\n".join(own)


def test_a_failure_shows_the_first_offending_step(zoo: Path, text_run: Ended) -> None:
    """The same lines as a run without a screen."""
    alone = gradtui("run", "--headless", "extra.py", cwd=zoo).out.decode().splitlines()
    step = next(place for place, line in enumerate(alone) if line.startswith("   1 "))
    told = [line for line in alone[step:] if "(not run)" not in line]
    assert block(text_run, "extra.py").splitlines() == [
        "expected no findings, got overwritten-gradient",
        *told,
    ]
    assert any("at fault:  _engine.py:" in line for line in told)


def test_a_program_that_ends_badly_shows_its_last_words(text_run: Ended) -> None:
    shown = block(text_run, "raises_in_pass.py").splitlines()
    assert shown[1] == "its last output:"
    assert shown[2] == "  | Traceback (most recent call last):"
    assert shown[-1] == "  | ArithmeticError: in the closure"
    assert block(text_run, "exits.py").splitlines()[1:] == ["its last output:", "  | about to leave"]
    assert "its last output" not in block(text_run, "missing.py")


def test_a_syntax_error_is_shown_where_it_is(text_run: Ended) -> None:
    assert block(text_run, "syntax.py").splitlines()[1:] == ["    def broken(", "              ^"]


def test_a_good_run_of_one_and_of_several(zoo: Path) -> None:
    one = gradtui("check", "holds.py", cwd=zoo)
    assert (one.code, one.out.decode()) == (0, "ok    holds.py\n1 scenario, 1 run: 1 holds\n")
    two = gradtui("check", "declared.py", cwd=zoo)
    assert two.code == 0
    assert two.out.decode().endswith("\n1 scenario, 2 runs: all hold\n")


def test_a_scenario_reads_no_input(tmp_path: Path) -> None:
    (tmp_path / "reads.py").write_text("import sys\nassert sys.stdin.read() == ''\n")
    assert gradtui("check", "reads.py", cwd=tmp_path, stdin=b"text\n").code == 0


# ------------------------------------------------------------------------- JUnit


def test_the_report(zoo: Path, text_run: Ended) -> None:
    assert text_run.code == 1
    root = ElementTree.parse(zoo / "report.xml").getroot()
    (suite,) = root
    assert (root.tag, suite.tag, suite.get("name")) == ("testsuites", "testsuite", "gradtui")
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "15", "failures": "7", "errors": "4", "skipped": "0"}
    cases = {(case.get("classname"), case.get("name")): case for case in suite}
    assert len(cases) == 15
    assert list(cases[("holds", "run")]) == []
    assert float(cases[("declared", "broken=on")].get("time", "")) > 0
    (failure,) = cases[("extra", "run")]
    assert failure.get("message") == "expected no findings, got overwritten-gradient"
    assert "at fault:" in (failure.text or "")
    failure, printed = cases[("exits", "run")]
    assert (failure.tag, printed.tag, printed.text) == ("failure", "system-out", "about to leave")
    (error,) = cases[("syntax", "run")]
    assert (error.tag, "def broken(" in (error.text or "")) == ("error", True)
    _, printed = cases[("prints_controls", "run")]
    assert (printed.text or "").splitlines() == [
        "red , null \\x00, noncharacter \\ufffe, <tag> & ]]>, tab\tand 日本",
        "on purpose ",
    ]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("scenarios/neuron.py", "scenarios.neuron"),
        ("./neuron.py", "neuron"),
        ("../a.b/x.py", "a.b.x"),
        ("/tmp/x.py", "tmp.x"),
    ],
)
def test_class_names(name: str, told: str) -> None:
    assert class_name(name) == told


@pytest.mark.parametrize("target", ["missing/report.xml", ".", "holds.py"])
def test_a_report_that_cannot_be_written_is_said_before_anything_runs(target: str, zoo: Path) -> None:
    before = (zoo / "holds.py").read_bytes()
    ended = gradtui("check", "--junit", target, "holds.py", cwd=zoo)
    assert (ended.code, ended.out) == (2, b"")
    assert ended.error.startswith(f"gradtui: cannot write the JUnit report {target}: ")
    assert (zoo / "holds.py").read_bytes() == before


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_a_disk_that_is_full_is_said(zoo: Path) -> None:
    ended = gradtui("check", "--junit", "/dev/full", "unknown_knob.py", cwd=zoo)
    assert ended.code == 2
    assert ended.error == "gradtui: cannot write the JUnit report /dev/full: No space left on device\n"
