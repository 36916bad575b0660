"""`gradtui check`: which scenarios are meant, which hold, what is said of those that do not."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from running import PATIENCE, PROGRAMS, Ended, gradtui

from gradtui.check.collect import Job, count_files, is_scenario, jobs_in
from gradtui.check.junit import class_name
from gradtui.check.pool import run_one
from gradtui.check.scenarios import lines_of, summary
from gradtui.check.verdict import KEPT, TAIL, Verdict, cleaned
from gradtui.session.errors import BadInput
from gradtui.session.programs import lessons_folder
from gradtui.session.scenarios import Case

ZOO = Path(__file__).parent / "scenarios_zoo"

HOLD = {"holds.py": [""], "declared.py": ["broken=on", "broken=off"], "unknown_knob.py": ["steps=2"]}
"""What holds in the zoo; everything else does not."""
REASONS = [
    ("extra.py", "expected no findings, got overwritten-gradient"),
    ("missing.py", "expected order (2 times), got no findings"),
    ("exits.py", "ended with exit code 3: 0 passes, 0 steps, no findings"),
    (
        "raises_in_pass.py",
        "ArithmeticError: in the closure (raises_in_pass.py:9) (exit code 1): 1 pass, 1 step, no findings",
    ),
    ("segfaults.py", "killed by signal 11 (SIGSEGV) (exit code -11): 0 passes, 0 steps, no findings"),
    (
        "leaves_in_pass.py",
        "ended inside pass 1, without an exception (exit code 0): 1 pass, 0 steps, no findings",
    ),
    (
        "unknown_knob.py",
        "SCENARIO declares findings for 'step=1': unknown knob 'step': this program has steps=1",
    ),
    (
        "unknown_knob.py",
        "SCENARIO declares findings for 'steps=many': knob steps=many: not a value of type int",
    ),
    ("prints_controls.py", "ended with exit code 1: 0 passes, 0 steps, no findings"),
    ("bad_literal.py", "bad_literal.py, line 3: SCENARIO must be a plain literal (no names, no calls)"),
    (
        "syntax.py",
        "syntax error in syntax.py, line 2: '(' was never closed\n    def broken(\n              ^",
    ),
]
"""Why the others do not, in the order in which they are checked."""


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zoo, with a file that cannot be compiled and things that are no scenarios."""
    folder = tmp_path_factory.mktemp("zoo")
    for path in ZOO.glob("*.py"):
        shutil.copy(path, folder)
    (folder / "syntax.py").write_text("'''Broken'''\ndef broken(\n")
    for name in ("test_it.py", "it_test.py", "conftest.py", "_shared.py", ".hidden.py", "notes.txt"):
        (folder / name).write_text("raise SystemExit('no scenario')\n")
    (folder / "inner").mkdir()
    (folder / "inner" / "deeper.py").write_text("raise SystemExit('not searched')\n")
    return folder


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
        "red \\x1b[31m, null \\x00, noncharacter \\ufffe, <tag> & ]]>, tab\tand 日本",
        "on purpose \\x1b[2J",
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


# ----------------------------------------------------------------- what is meant


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
    (zoo / "empty").mkdir(exist_ok=True)
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


# ----------------------------------------------------------- several at a time


def write_timed(folder: Path, name: str, order: int, seconds: float) -> None:
    """A scenario that says when it began and ended."""
    (folder / name).write_text(
        f"SCENARIO = {{'order': {order}}}\nimport time\n"
        f"with open({str(folder / 'log')!r}, 'a') as log:\n"
        f"    print('began', file=log, flush=True)\n    time.sleep({seconds})\n    print('ended', file=log)\n"
    )


@pytest.mark.parametrize(("jobs", "alone"), [(1, True), (3, False)])
def test_as_many_at_a_time_as_asked_for(jobs: int, alone: bool, tmp_path: Path) -> None:
    for number in range(3):
        write_timed(tmp_path, f"s{number}.py", number, 0.5)
    assert gradtui("check", "--jobs", jobs, ".", cwd=tmp_path).code == 0
    log = (tmp_path / "log").read_text().split()
    assert Counter(log) == {"began": 3, "ended": 3}
    assert (log == ["began", "ended"] * 3) is alone


def test_lines_come_in_the_order_of_the_list(tmp_path: Path) -> None:
    write_timed(tmp_path, "slow.py", 1, 1.0)
    write_timed(tmp_path, "fast.py", 2, 0.0)
    ended = gradtui("check", "--json", "--jobs", "2", ".", cwd=tmp_path)
    assert [line["file"] for line in ended.of_type("scenario")] == ["slow.py", "fast.py"]


def test_too_many_at_a_time_is_said(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"s{number}.py").write_text("import time\ntime.sleep(30)\n")
    command = f"ulimit -n 60; exec {sys.executable} -m gradtui check --jobs 40 ."
    ended = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, timeout=PATIENCE)
    assert ended.returncode == 2
    assert re.match(rb"gradtui: cannot start .* beside \d+ others: .*--jobs", ended.stderr)
    assert b"Traceback" not in ended.stderr


# ----------------------------------------------------------------------- signals

HANGS = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open("pid", "w") as file:
    file.write(f"{os.getpid()}\\n")
time.sleep(1000)
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def hanging_pid(folder: Path) -> int:
    """Wait until the hanging program has said who it is."""
    deadline = time.monotonic() + PATIENCE
    while not (folder / "pid").exists() or not (folder / "pid").read_text().endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return int((folder / "pid").read_text())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("as_json", [False, True])
def test_an_interrupt_ends_every_program_and_says_so(
    number: signal.Signals, as_json: bool, tmp_path: Path
) -> None:
    (tmp_path / "hangs.py").write_text(HANGS)
    command = [sys.executable, "-m", "gradtui", "check", "--junit", "r.xml", "hangs.py", "hangs.py"]
    (tmp_path / "never.py").write_text("")
    command += ["never.py", "--jobs", "1", *(["--json"] if as_json else [])]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    pid = hanging_pid(tmp_path)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (128 + number, b"")
    assert not alive(pid)
    if as_json:
        (last,) = map(json.loads, out.splitlines())
        assert (last["interrupted"], last["hold"], last["fail"], last["runs"]) == (True, 0, 0, 2)
    else:
        assert out.decode() == (
            "interrupted; ended while running: hangs.py\n2 scenarios, 2 runs: 2 not run to the end\n"
        )
    suite = ElementTree.parse(tmp_path / "r.xml").getroot()[0]
    assert [[child.tag for child in case] for case in suite] == [["skipped"], ["skipped"]]


def test_what_ended_before_an_interrupt_is_told(tmp_path: Path) -> None:
    """Also where it comes after a program that hangs."""
    (tmp_path / "hangs.py").write_text(HANGS)
    (tmp_path / "quick.py").write_text("")
    (tmp_path / "later.py").write_text(
        "import os, time\nwhile not os.path.exists('pid'): time.sleep(0.01)\nopen('done', 'w')\n"
    )
    command = [sys.executable, "-m", "gradtui", "check", "hangs.py", "quick.py", "later.py", "--jobs", "2"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE)
    hanging_pid(tmp_path)
    while not (tmp_path / "done").exists():
        time.sleep(0.01)
    time.sleep(0.5)  # later.py has ended by now, or is cut as well: both are right
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert out.startswith(b"ok    quick.py ")
    assert b"interrupted; ended while running: hangs.py" in out


def test_a_reader_that_leaves_ends_the_programs(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    (tmp_path / "hangs.py").write_text(HANGS)
    (tmp_path / "waits.py").write_text(
        "import os, time\nwhile not os.path.exists('gone'): time.sleep(0.01)\n"
    )
    command = [sys.executable, "-m", "gradtui", "check", "a.py", "waits.py", "hangs.py", "--jobs", "3"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"ok    a.py ")
    pid = hanging_pid(tmp_path)
    process.stdout.close()
    (tmp_path / "gone").touch()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(PATIENCE) == 128 + signal.SIGPIPE
    assert not alive(pid)


# ------------------------------------------------------------------ a terminal


def in_terminal(*argv: str, folder: Path, columns: int = 50) -> str:
    """What `gradtui check` writes to a terminal."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns), "LINES": "24"}
    command = [sys.executable, "-m", "gradtui", "check", *argv]
    process = subprocess.Popen(command, cwd=folder, stdout=theirs, env=env)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 1 << 16)
        except OSError:  # how a terminal on Linux says that nobody is left
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert process.wait(PATIENCE) == 0
    return shown.decode()


def test_progress_is_one_line_that_is_rewritten(tmp_path: Path) -> None:
    write_timed(tmp_path, "slow.py", 1, 0.3)
    write_timed(tmp_path, "with_a_long_name_that_does_not_fit.py", 2, 0.0)
    shown = in_terminal("--jobs", "1", ".", folder=tmp_path)
    assert "\r\x1b[K0 of 2 done, running: slow.py" in shown
    assert "\r\x1b[K1 of 2 done, running: with_a_long_name_that_does_\r\x1b[K" in shown
    left = [line.rpartition("\x1b[K")[2] for line in shown.replace("\r\n", "\n").split("\n")[:-1]]
    assert [line.partition("  (no backward pass was seen)")[0].rstrip() for line in left] == [
        "ok    slow.py",
        "ok    with_a_long_name_that_does_not_fit.py",
        "2 scenarios, 2 runs: all hold",
    ]


def test_json_on_a_terminal_has_no_progress(tmp_path: Path) -> None:
    write_timed(tmp_path, "slow.py", 1, 0.1)
    shown = in_terminal("--json", ".", folder=tmp_path)
    assert all(json.loads(line) for line in shown.splitlines())


# ------------------------------------------------------------------------- parts


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
