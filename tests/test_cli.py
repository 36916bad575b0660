"""The command line: bad input gets one clear text and exit code 2; knobs; the terminal check."""

from __future__ import annotations

import ast
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from running import PATIENCE, PROGRAMS, Ended, gradtui, run

from gradtui.session.errors import BadInput
from gradtui.session.knobs import Knob, check_settings, find_knobs, parse_settings
from gradtui.session.programs import lessons, open_module, open_program
from gradtui.session.run import Run
from gradtui.session.session import Plan

NEURON = PROGRAMS / "prints_between.py"


def refused(ended: Ended, says: str) -> None:
    """Exit 2, one text, nothing else."""
    assert ended.code == 2
    assert ended.out == b""
    assert "Traceback" not in ended.error
    assert ended.error.startswith(("gradtui: ", "usage: gradtui"))
    assert says in ended.error


# ------------------------------------------------------------------- programs

FILES: dict[str, bytes] = {
    "notes.txt": b"print(1)",
    "book.ipynb": b"{}",
    "program": b"\x7fELF\0\0",
    "binary.py": b"\x00\x01\x02",
    "latin.py": b"name = '\xe9'\n",
    "cookie.py": b"# coding: no-such-code\n",
    "syntax.py": b"x = 1\ndef f(:\n    pass\n",
    "indent.py": b"if True:\nx = 1\n",
    "returns.py": b"return 1\n",
    "deep.py": b"(" * 500 + b")" * 500,
}

BAD_PROGRAMS = [
    ("none.py", "no such file: none.py (`gradtui` alone lists the bundled lessons)"),
    ("no/such/dir/neuron.py", "no such file"),
    ("", "no program: its path is empty"),
    ("a\nb.py", "no readable text"),
    (".", "is a directory"),
    ("empty", "is a directory without Python files"),
    ("notes.txt", "notes.txt is not a Python file (its name ends in .txt)"),
    ("book.ipynb", "its name ends in .ipynb"),
    ("program", "it holds binary data"),
    ("binary.py", "it holds binary data"),
    ("latin.py", "is not a Python file ("),
    ("cookie.py", "is not a Python file ("),
    ("syntax.py", "syntax error in syntax.py, line 2: invalid syntax\n    def f(:\n          ^\n"),
    ("indent.py", "syntax error in indent.py, line 2: expected an indented block"),
    ("returns.py", "syntax error in returns.py, line 1: 'return' outside function"),
    ("deep.py", "deep.py"),
    ("pipe.py", "pipe.py is not a file"),
    ("dangling.py", "cannot read dangling.py: No such file"),
    ("x" * 300 + ".py", "no such file"),
]


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    (folder / "empty").mkdir()
    os.mkfifo(folder / "pipe.py")
    (folder / "dangling.py").symlink_to("nowhere.py")
    return folder


@pytest.mark.parametrize(("name", "says"), BAD_PROGRAMS, ids=[repr(name)[:20] for name, _ in BAD_PROGRAMS])
def test_what_is_no_program_is_refused(
    name: str, says: str, bad: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bad)
    with pytest.raises(BadInput) as refusal:
        open_program(name)
    assert says in str(refusal.value) + "\n"


def test_what_python_warns_of_is_no_error_and_said_by_the_program_only(tmp_path: Path) -> None:
    program = tmp_path / "warns.py"
    program.write_text("assert (1, 'always true')\n")
    assert open_program(str(program)).title == "warns.py"
    ended = gradtui("run", "--headless", program)
    assert (ended.code, ended.error.count("SyntaxWarning")) == (0, 1)


@pytest.mark.parametrize(
    "argv", [["train"], ["train", "--start", "spawn"], ["train", "--start", "fork"], [""]]
)
def test_a_module_runs_as_python_runs_it(argv: list[str]) -> None:
    argv = [f"package.{argv[0]}".rstrip("."), *argv[1:], *["--lr", "1"] * (not argv[0])]
    alone = run(sys.executable, "-m", *argv, cwd=PROGRAMS)
    watched = gradtui("run", "--headless", "--json", "--no-twin", "-m", *argv, cwd=PROGRAMS)
    assert watched.code == alone.code
    printed = watched.printed("stdout").splitlines()  # what the worker prints is only nearly in its place
    assert sorted(printed) == sorted(alone.out.decode().splitlines())
    assert watched.printed("stderr").splitlines()[-3:] == alone.error.splitlines()[-3:]
    assert watched.exit["passes"] == (1 if "train" in argv[0] else 0)


MODULES = [
    ("nope", "no module nope: neither in "),
    ("package.nope", "no module package.nope: the package package has none of that name"),
    ("package.helper.x", "no module package.helper.x: package.helper is a module, not a package"),
    ("engines", "-m engines: it is a package without a __main__ module"),
    (
        "asks.py",
        "-m asks.py: not the name of a module (pkg.train, without .py); did you mean `gradtui run asks.py`?",
    ),
    ("", "-m : not the name of a module"),
    ("sys", "-m sys: it has no Python file"),
]


@pytest.mark.parametrize(("name", "says"), MODULES)
def test_what_is_no_module_is_refused(name: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROGRAMS)
    with pytest.raises(BadInput) as refusal:
        open_module(name)
    assert str(refusal.value).startswith(says)


def test_a_module_runs_again_with_another_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROGRAMS)
    program = open_module("package.train")
    again = Run(program, Plan(program.path, stop=False, twin=False, module=program.module))
    try:
        again.edit("rate", "2.5")
        while again.session.exited is None:
            again.pump(0.2)
        assert again.trace.output.text.endswith("\n2.5")
        assert again.plan.title == "package.train"
    finally:
        again.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable for root")
def test_an_unreadable_program(tmp_path: Path) -> None:
    program = tmp_path / "secret.py"
    program.write_text("")
    program.chmod(0)
    with pytest.raises(BadInput, match=r"cannot read .*secret.py: Permission denied"):
        open_program(str(program))


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["run", "--headless", "none.py"], "no such file: none.py"),
        (["run", "--headless", "--json", "syntax.py"], "    def f(:\n"),
        (["run", "--json", NEURON], "--json needs --headless"),
        (["open", "--json", "x.trace"], "--json needs --headless"),
        (["run", NEURON], "no terminal to draw on; without a screen: gradtui run --headless"),
        (["run", "--headless"], "the following arguments are required: PROGRAM"),
        (["run", "--headless", "-m"], "-m needs the name of a module"),
        (["run", "--headless", "-m", "none"], "no module none: neither in"),
        (["run", "-m", "this"], "without a screen: gradtui run --headless -m this"),
        (["run", "--headless", "--stats", "some", NEURON], "invalid choice: 'some'"),
        (["run", "--head", NEURON], "unrecognized arguments"),
        (["ru", NEURON], "'ru' is no command, folder or lesson; commands are run, open"),
        (["neuron"], "did you mean `gradtui run neuron`?"),
        ([NEURON], "is no command; did you mean `gradtui run"),
        (["run", "--set", "a=1", "--set", "a=2", NEURON], "a is set twice"),
        (["run", "--headless", "--set", "rate=1", NEURON], "unknown knob 'rate': this program has no knobs"),
        (["run", "--headless", "--set", "rate", NEURON], "--set rate: write --set name=value"),
        (["run", "--headless", "--set", "=1", NEURON], "--set =1: write --set name=value"),
        (["run", "--headless", "--out", "empty", NEURON], "cannot write the recording empty: Is a directory"),
        (["run", "--headless", "--out", "no/x", NEURON], "cannot write the recording no/x: No such file"),
        (["run", "--headless", "--out", NEURON, NEURON], "prints_between.py: it is the program"),
        (["open", "--headless", "none.trace"], "no recording: none.trace does not exist"),
        (["open", "--headless", "empty"], "no recording: empty is not a file"),
        (["open", "--headless", "notes.txt"], "notes.txt is not a gradtui recording"),
        (["open", "notes.txt"], "notes.txt is not a gradtui recording"),
    ],
    ids=lambda part: " ".join(map(str, part))[-40:] if isinstance(part, list) else "",
)
def test_bad_input_on_the_command_line(argv: list[str], says: str, bad: Path) -> None:
    refused(gradtui(*argv, cwd=bad), says)
    assert not (bad / "no").exists()


def test_a_refused_run_leaves_recordings_alone(bad: Path, tmp_path: Path) -> None:
    trace = tmp_path / "run.trace"
    refused(gradtui("run", "--out", trace, NEURON), "no terminal")
    assert not trace.exists()
    trace.write_bytes(b"older")
    refused(gradtui("run", "--out", trace, NEURON), "no terminal")
    refused(gradtui("run", "--headless", "--out", trace, "syntax.py", cwd=bad), "syntax error")
    refused(gradtui("run", "--headless", "--set", "x=1", "--out", trace, NEURON), "unknown knob")
    assert trace.read_bytes() == b"older"


def test_a_damaged_recording_is_refused_before_anything_is_printed(tmp_path: Path) -> None:
    trace = tmp_path / "run.trace"
    gradtui("run", "--headless", "--no-twin", "--out", trace, NEURON)
    trace.write_bytes(trace.read_bytes()[:-3])
    for argv in (["--headless"], ["--headless", "--json"], []):
        refused(gradtui("open", trace, *argv), "is truncated after")
    partial = gradtui("open", "--partial", "--headless", "--json", trace)
    assert (partial.code, partial.err, len(partial.of_type("step"))) == (0, b"", 8)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_recording_that_may_not_be_read_or_written(tmp_path: Path) -> None:
    trace = tmp_path / "run.trace"
    trace.write_bytes(b"x")
    trace.chmod(0)
    refused(gradtui("open", "--headless", trace), "cannot read")
    refused(gradtui("run", "--headless", "--out", trace, NEURON), "cannot write the recording")


def test_a_terminal_that_is_too_small() -> None:
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 40, 0, 0))
        done = subprocess.run(
            [sys.executable, "-m", "gradtui", "run", NEURON],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            timeout=PATIENCE,
        )
        said = os.read(ours, 4096)
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 2
    assert b"the terminal is 40x10; the screen needs at least 60x16" in said
    assert b"gradtui run --headless" in said


def test_streams_that_are_closed_are_no_error() -> None:
    command = (
        f'"{sys.executable}" -m gradtui run --headless --no-twin "{PROGRAMS / "exits.py"}" 3 >&- 2>&- <&-'
    )
    assert subprocess.run(["sh", "-c", command], timeout=PATIENCE).returncode == 3


def test_alone_it_lists_the_lessons() -> None:
    listed = gradtui()
    assert (listed.code, listed.err) == (0, b"")
    for lesson in lessons():
        assert f"gradtui run {lesson.path.stem}" in listed.out.decode()
    assert "repaired=off (one of off, on)" in listed.out.decode()


def test_a_lesson_is_found_by_its_name(tmp_path: Path) -> None:
    assert gradtui("run", "--headless", "--no-twin", "neuron", cwd=tmp_path).code == 0
    assert gradtui("--version").out.startswith(b"gradtui ")


# ---------------------------------------------------------------------- knobs


def test_knobs_are_found_by_reading() -> None:
    program = open_program(str(PROGRAMS / "has_knobs.py"))
    assert [(k.name, k.default, k.choices) for k in program.knobs] == [
        ("inside", "relu", ("relu", "tanh")),
        ("rate", 0.1, None),
        ("count", 3, (1, 2, 3)),
        ("shout", False, None),
        ("low", -1.5, None),
        ("word", "", None),
        ("many", 1, None),
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("import gradtui\ngradtui.knob('a', 1)", ["a"]),
        ("import gradtui.scalar\ngradtui.knob('a', 1)", ["a"]),
        ("from gradtui import *\nknob('a', 1)", ["a"]),
        ("def f():\n    import gradtui as g\n    return g.knob(default=1, name='a')", ["a"]),
        ("import gradtui\ngradtui.knob('a', 1); gradtui.knob('a', 2)", ["a"]),
        ("import gradtui\ngradtui.knob('b', 1)\ngradtui.knob('a', None)\ngradtui.knob('c', [1])", ["b"]),
        ("import gradtui\ngradtui.knob(name, 1)\ngradtui.knob(*both)\ngradtui.knob()", []),
        ("knob('a', 1)", []),
        ("import gradtui\ngradtui.engine('a', 1)", []),
        ("import other\nother.knob('a', 1)", []),
        ("from other import knob\nknob('a', 1)", []),
        ("import gradtui.scalar as s\ns.knob('a', 1)", []),
    ],
)
def test_what_is_a_knob(text: str, names: list[str]) -> None:
    assert [knob.name for knob in find_knobs(ast.parse(text))] == names


KNOBS = (
    Knob("rate", 0.1, None, 1),
    Knob("count", 3, (1, 2, 3), 2),
    Knob("shout", False, None, 3),
    Knob("act", "relu", ("relu", "tanh"), 4),
)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"rate": "1e-3", "count": "2", "shout": "on", "act": "tanh"}, None),
        ({"shout": "False"}, None),
        ({"rate": "fast"}, "knob rate=fast: not a value of type float"),
        ({"count": "1.5"}, "knob count=1.5: not a value of type int"),
        ({"count": "4"}, "knob count=4: choose one of 1, 2, 3"),
        ({"act": "Relu"}, "knob act=Relu: choose one of relu, tanh"),
        ({"shout": "maybe"}, "knob shout=maybe: this knob is on or off"),
        (
            {"loud": "1"},
            "unknown knob 'loud': this program has rate=0.1; count=3 (one of 1, 2, 3); shout=off",
        ),
    ],
)
def test_settings_are_checked_before_anything_runs(settings: dict[str, str], says: str | None) -> None:
    if says is None:
        check_settings(KNOBS, settings)
    else:
        with pytest.raises(BadInput) as refusal:
            check_settings(KNOBS, settings)
        assert says in str(refusal.value)


def test_settings_are_parsed_at_the_first_sign() -> None:
    assert parse_settings(["a=1", "b = x=y ", "c="]) == {"a": "1", "b": " x=y ", "c": ""}


def test_a_set_knob_arrives_in_its_type() -> None:
    sets = ["rate=1", "count=2", "shout=yes", "low=-2", "word=a b=c", "inside=tanh", "many=4"]
    ended = gradtui(
        *("run", "--headless", "--json"),
        *(part for one in sets for part in ("--set", one)),
        PROGRAMS / "has_knobs.py",
    )
    assert ended.printed("stdout") == "1.0 2\nTrue -2.0 a b=c tanh\n1 4 2\n"


def test_choices_that_cannot_be_read_are_enforced_by_the_program() -> None:
    ended = gradtui("run", "--headless", "--json", "--set", "many=9", PROGRAMS / "has_knobs.py")
    assert ended.code == 1
    assert ended.exit["error"].startswith("ValueError: knob many=9: choose one of 0, 1, 2, 3, 4")


def test_finding_knobs_runs_nothing(tmp_path: Path) -> None:
    program = tmp_path / "p.py"
    program.write_text("import gradtui\nopen('ran', 'w')\ngradtui.knob('a', 1, choices=[1])\n")
    ended = gradtui("run", "--headless", "--set", "a=2", program, cwd=tmp_path)
    refused(ended, "knob a=2: choose one of 1")
    assert not (tmp_path / "ran").exists()
