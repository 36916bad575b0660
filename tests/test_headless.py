"""`gradtui run --headless` over real programs: what they do is untouched, and what is said of it is the contract."""

from __future__ import annotations

import json
import math
import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from running import PATIENCE, PROGRAMS, Ended, gradtui, headless, plain
from test_session import group

# ------------------------------------------------------- as without gradtui

ALIKE: list[tuple[str, ...]] = [
    ("prints_between.py",),
    ("raises.py",),
    ("raises_group.py",),
    ("raises_in_pass.py",),
    ("broken_import.py",),
    ("exits.py", "3"),
    ("exits.py", "'text'"),
    ("exits.py", "None"),
    ("exits.py", "300"),
    ("dies.py", "exit"),
    ("dies.py", "segfault"),
    ("dies.py", "SIGKILL"),
    ("dies.py", "SIGTERM"),
    ("forks.py",),
    ("multiprocesses.py", "fork"),
    ("multiprocesses.py", "spawn"),
    ("prints_much.py",),
    ("prints_bytes.py",),
    ("closes_stdout.py",),
    ("closes_descriptors.py", "FILE"),
    ("redirects.py",),
    ("threads.py",),
    ("no_backward.py",),
    ("reads_stdin.py",),
    ("shows_itself.py", "--lr", "0.1", "--", "x", ""),
    ("changes_dir.py",),
    ("takes_options.py", "--lr", "0.1", "--json", "--", "x"),
    ("takes_options.py", "-h"),
    ("hooks.py",),
    ("hooks.py", "broken"),
    ("at_exit.py",),
    ("not_finite.py",),
    ("has_knobs.py",),
    ("raises_under_torch.py", "python"),
    ("raises_under_torch.py", "hook"),
    ("forks_under_torch.py",),
]


@pytest.mark.parametrize("case", ALIKE, ids=" ".join)
def test_a_program_does_what_it_does_without_gradtui(case: tuple[str, ...], tmp_path: Path) -> None:
    """Its output to the byte (its traceback too), its exit code, what it knows of itself."""
    program, *argv = (str(tmp_path / "file") if part == "FILE" else part for part in case)
    alone = plain(program, *argv, stdin=b"you\nand more\n")
    watched = headless(program, *argv, stdin=b"you\nand more\n")
    assert watched.err == b""
    assert watched.printed("stdout") == alone.out.decode(errors="replace")
    assert watched.printed("stderr") == alone.err.decode(errors="replace")
    assert watched.exit["code"] == alone.code
    assert watched.code == (alone.code if alone.code >= 0 else 128 - alone.code)


@pytest.mark.parametrize("written", ["shows_itself.py", "./shows_itself.py", "../programs/shows_itself.py"])
def test_a_program_is_named_as_it_was_written(written: str) -> None:
    alone = subprocess.run(
        [sys.executable, written], cwd=PROGRAMS, capture_output=True, stdin=subprocess.DEVNULL
    )
    watched = gradtui("run", "--headless", "--json", written, cwd=PROGRAMS)
    assert watched.printed("stdout") == alone.stdout.decode()


def test_a_program_behind_a_link_finds_its_siblings(tmp_path: Path) -> None:
    (tmp_path / "link.py").symlink_to(PROGRAMS / "prints_between.py")
    assert headless(tmp_path / "link.py").exit["steps"] == 8


# ----------------------------------------------------------------- what is said

ENDS: list[tuple[tuple[str, ...], tuple[int, int, str | None]]] = [
    (("no_backward.py",), (0, 0, None)),
    (("raises.py",), (1, 3, "ValueError: first line (raises.py:17)")),
    (("raises_in_pass.py",), (1, 2, "ArithmeticError: in the closure of '*' (raises_in_pass.py:11)")),
    (("broken_import.py",), (0, 0, "SyntaxError: ")),
    (("exits.py", "3"), (1, 3, None)),
    (("dies.py", "exit"), (1, 2, "ended inside pass 1, without an exception")),
    (("dies.py", "segfault"), (1, 2, "killed by signal 11 (SIGSEGV)")),
    (("forks.py",), (2, 4, None)),
    (("threads.py",), (1, 3, None)),
    (("at_exit.py",), (1, 3, None)),
    (
        ("raises_under_torch.py", "python"),
        (0, 0, "IndexError: Target 7 is out of bounds. (raises_under_torch.py:9)"),
    ),
]


@pytest.mark.parametrize(("case", "end"), ENDS, ids=lambda part: part[0] if isinstance(part[0], str) else "")
def test_the_end_is_told_and_every_step_that_was_taken(
    case: tuple[str, ...], end: tuple[int, int, str | None]
) -> None:
    passes, steps, error = end
    watched = headless(*case)
    assert (watched.exit["passes"], watched.exit["steps"]) == (passes, steps)
    assert len(watched.of_type("pass")) == passes
    assert len(watched.of_type("step")) == steps
    if error is None:
        assert watched.exit["error"] is None
    else:
        assert watched.exit["error"].startswith(error)


def test_text_for_people() -> None:
    shown = gradtui("run", "--headless", "--no-twin", PROGRAMS / "prints_between.py")
    lines = shown.out.decode().splitlines()
    assert lines[0] == "before"
    assert re.fullmatch(
        r"pass 1  scalar, 4 nodes, 4 edges, from y = -4  .*prints_between.py:9", lines[1].strip()
    )
    assert sum(bool(re.match(r" +\d  ", line)) for line in lines) == 8
    assert lines[-1] == "ran to its end: 2 passes, 8 steps, no findings"
    assert (shown.code, shown.err) == (0, b"")


@pytest.mark.parametrize(
    ("case", "last"),
    [
        (("no_backward.py",), "ran to its end: 0 passes, 0 steps, no findings"),
        (("exits.py", "3"), "ended with exit code 3: 1 pass, 3 steps, no findings"),
        (("dies.py", "SIGKILL"), "killed by signal 9 (SIGKILL) (exit code -9): 1 pass, 2 steps, no findings"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_the_last_line_for_people(case: tuple[str, ...], last: str) -> None:
    program, *argv = case
    shown = gradtui("run", "--headless", "--no-twin", PROGRAMS / program, *argv)
    assert shown.out.decode().splitlines()[-1] == last


def test_streams_stay_apart_and_lines_whole_in_text() -> None:
    shown = gradtui("run", "--headless", "--no-twin", PROGRAMS / "prints_much.py")
    alone = plain("prints_much.py")
    assert shown.err == alone.err
    assert shown.out == alone.out + b"\n" + UNSEEN + b"ran to its end: 0 passes, 0 steps, no findings\n"


def test_a_terminal_of_few_letters_is_no_error() -> None:
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    shown = gradtui("run", "--headless", "--no-twin", PROGRAMS / "prints_much.py", env=env)
    assert (shown.code, b"Traceback" in shown.err) == (1, True), "the program's own error, at its own print"
    assert b"gradtui/probe" not in shown.err
    assert b"gradtui/check" not in shown.err
    shown = gradtui("run", "--headless", PROGRAMS / "linear.py", env=env)
    assert shown.code == 0


# ----------------------------------------------------------------- the contract

Schema = Any


class Maybe:
    def __init__(self, *kinds: Schema) -> None:
        self.kinds = (*kinds, None)


class Many:
    def __init__(self, *kinds: Schema) -> None:
        self.kinds = kinds


class Either(Many):
    pass


FLOAT = Either(float, int, "nan", "inf", "-inf")
T = {
    "shape": Many(int),
    "dtype": str,
    "norm": Maybe(FLOAT),
    "min": Maybe(FLOAT),
    "max": Maybe(FLOAT),
    "mean": Maybe(FLOAT),
    "nonfinite": int,
    "values": Maybe(Many(FLOAT)),
}
PLACE = re.compile(r".+\.py:\d+")
ACCOUNT = {"name": Maybe(str), "before": Maybe(T), "added": Maybe(T), "after": Maybe(T)}
TWIN = {"op": str, "value": Maybe(T), "received": Many(Maybe(T)), "sent": Many(Maybe(T))}
FINDING = {
    "type": "finding",
    "kind": re.compile("stale-gradient|overwritten-gradient|twin-mismatch|order|nonfinite"),
    "pass": int,
    "step": Maybe(int),
    "node": Maybe(int),
    "op": Maybe(str),
    "name": Maybe(str),
    "source": Maybe(PLACE),
    "culprit": Maybe(PLACE),
    "message": str,
}
LINES: dict[str, Schema] = {
    "hello": {"type": "hello", "version": 1, "program": str},
    "pass": {
        "type": "pass",
        "pass": int,
        "engine": re.compile("torch|scalar"),
        "nodes": int,
        "edges": int,
        "root": {"name": Maybe(str), "value": Maybe(T)},
        "source": Maybe(PLACE),
    },
    "step": {
        "type": "step",
        "pass": int,
        "step": int,
        "node": int,
        "op": str,
        "name": Maybe(str),
        "module": Maybe(str),
        "received": Many(Maybe(T)),
        "sent": Many(Maybe({"to": int, "value": T})),
        "accumulated": Maybe(ACCOUNT),
        "twin": Maybe(TWIN, {**TWIN, "local": Many(Maybe(T))}, {"missing": str}),
        "source": Maybe(PLACE),
    },
    "accumulate": {"type": "accumulate", "pass": int, "node": int, "accumulated": ACCOUNT},
    "finding": FINDING,
    "notice": {"type": "notice", "pass": Maybe(int), "message": str},
    "output": {"type": "output", "stream": re.compile("stdout|stderr"), "text": str},
    "zeroed": {"type": "zeroed", "pass": int, "nodes": Many(int)},
    "exit": {"type": "exit", "code": int, "passes": int, "steps": int, "error": Maybe(str)},
}
"""docs/headless.md, line by line."""
HELD = {"node": int, "name": Maybe(str), "value": T, "from": Maybe(int), "used": bool}
LINES["pass that finds gradients"] = {**LINES["pass"], "held": Many(HELD)}


def fits(value: Any, schema: Schema) -> bool:
    """Is the value what the schema says, no field more and none less?"""
    if isinstance(schema, dict):
        return (
            isinstance(value, dict)
            and value.keys() == schema.keys()
            and all(fits(value[key], schema[key]) for key in schema)
        )
    if isinstance(schema, (Maybe, Either)):
        return any(fits(value, kind) for kind in schema.kinds)
    if isinstance(schema, Many):
        return isinstance(value, list) and all(fits(entry, schema.kinds[0]) for entry in value)
    if isinstance(schema, re.Pattern):
        return isinstance(value, str) and schema.fullmatch(value) is not None
    if isinstance(schema, type):
        return type(value) is schema
    return bool(value == schema) and type(value) is type(schema)


UNSEEN = b"no backward pass was seen; an engine of a shape of its own is made known by gradtui.engine(...)\n"
SPOKEN: list[tuple[tuple[str, ...], dict[str, bool]]] = [
    (("prints_between.py",), {"twin": True}),
    (("not_finite.py",), {"twin": True}),
    (("linear.py",), {}),
    (("raises_in_pass.py",), {}),
    (("dies.py", "exit"), {}),
    (("leaves_a_child.py",), {}),
    (("../../scenarios/accumulation.py",), {"twin": True}),
    (("shared_leaf.py",), {}),
]


@pytest.fixture(scope="module")
def spoken() -> dict[str, Ended]:
    """The JSON lines of a few programs that between them have every type of line."""
    return {case[0]: headless(*case, **options) for case, options in SPOKEN}


def test_every_line_fits_the_contract(spoken: dict[str, Ended]) -> None:
    seen = set()
    for program, ended in spoken.items():
        assert ended.out.isascii()
        assert ended.out.endswith(b"\n")
        for line in ended.lines:
            kind = line["type"] if "held" not in line else "pass that finds gradients"
            assert fits(line, LINES[kind]), (program, line)
            seen.add(kind)
        assert ended.lines[0]["type"] == "hello"
        assert [line["type"] for line in ended.lines].count("exit") == 1
        assert ended.exit
    assert seen == set(LINES) - {"zeroed"}  # only a run on the screen has that


def test_counts_and_numbers_agree_with_each_other(spoken: dict[str, Ended]) -> None:
    for ended in spoken.values():
        passes, steps = ended.of_type("pass"), ended.of_type("step")
        assert [p["pass"] for p in passes] == list(range(1, ended.exit["passes"] + 1))
        assert len(steps) == ended.exit["steps"]
        for one in passes:
            numbers = [s["step"] for s in steps if s["pass"] == one["pass"]]
            assert numbers == list(range(1, len(numbers) + 1))
        for line in steps:
            for value in (*line["received"], *(s and s["value"] for s in line["sent"])):
                if value is not None and value["values"] is not None:
                    assert len(value["values"]) == math.prod(value["shape"])
                    assert value["nonfinite"] == sum(isinstance(v, str) for v in value["values"])


def test_no_number_is_outside_json(spoken: dict[str, Ended]) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    for ended in spoken.values():
        for line in ended.out.splitlines():
            json.loads(line, parse_constant=refuse)
    text = spoken["not_finite.py"].out
    assert b'"nan"' in text
    assert b'"inf"' in text


def test_the_first_steps_of_a_known_pass(spoken: dict[str, Ended]) -> None:
    one, *_ = spoken["prints_between.py"].of_type("step")

    def number(x: float) -> dict[str, Any]:
        return {
            **{"shape": [], "dtype": "float64", "norm": abs(x), "min": x, "max": x, "mean": x},
            **{"nonfinite": 0, "values": [x]},
        }

    assert (one["op"], one["name"], one["received"]) == ("+", "y", [number(1.0)])
    assert sorted(s["value"]["values"][0] for s in one["sent"]) == [1.0, 1.0]
    assert one["twin"]["op"] == "AddBackward0"
    assert one["twin"]["value"] == number(-4.0)
    assert one["twin"]["received"] == [number(1.0)]
    assert one["source"].endswith("prints_between.py:8")


def test_a_large_tensor_has_statistics_and_no_values(spoken: dict[str, Ended]) -> None:
    received = [v for s in spoken["linear.py"].of_type("step") for v in s["received"] if v["shape"] == [5000]]
    assert received
    for value in received:
        assert value["values"] is None
        assert None not in (value["min"], value["max"], value["mean"], value["norm"])


def test_the_finding_of_the_lesson(spoken: dict[str, Ended]) -> None:
    findings = spoken["../../scenarios/accumulation.py"].of_type("finding")
    assert "overwritten-gradient" in [f["kind"] for f in findings]
    assert all(f["culprit"] for f in findings)


# ------------------------------------------------------------------- recordings

BLOCKED = """
import runpy, sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "textual", "numpy", "small_engine"):
            raise AssertionError(f"imported {name}")
sys.meta_path.insert(0, Blocker())
sys.argv = ["gradtui", *sys.argv[1:]]
runpy.run_module("gradtui", run_name="__main__")
"""


@pytest.mark.parametrize(
    ("program", "options"),
    [
        ("prints_between.py", ()),
        ("linear.py", ()),
        ("not_finite.py", ("--no-twin",)),
        ("leaves_a_child.py", ("--no-twin",)),
    ],
)
def test_a_recording_prints_what_the_run_printed(
    program: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    """Byte for byte, without torch, without the program."""
    (tmp_path / "small_engine.py").write_bytes((PROGRAMS / "small_engine.py").read_bytes())
    (tmp_path / program).write_bytes((PROGRAMS / program).read_bytes())
    trace = tmp_path / "run.trace"
    live = gradtui("run", "--headless", "--json", *options, "--out", trace, tmp_path / program)
    (tmp_path / program).unlink()
    opened = subprocess.run(
        [sys.executable, "-c", BLOCKED, "open", trace, "--headless", "--json"], capture_output=True
    )
    assert opened.stderr == b""
    assert opened.stdout == live.out
    assert opened.returncode == 0
    text = gradtui("open", "--headless", trace)
    assert (text.code, text.err) == (0, b"")
    assert text.out.decode().splitlines()[-1].startswith("ran to its end")


def test_a_recording_of_a_run_that_died_is_whole(tmp_path: Path) -> None:
    trace = tmp_path / "run.trace"
    live = headless("dies.py", "segfault", options=("--out", trace))
    opened = gradtui("open", "--headless", "--json", trace)
    assert (opened.code, opened.out) == (0, live.out)


def test_a_full_disk_is_said_and_the_run_goes_on() -> None:
    ended = gradtui("run", "--headless", "--json", "--out", "/dev/full", PROGRAMS / "no_backward.py")
    assert (ended.code, ended.printed("stdout")) == (0, "45\n")
    assert "No space left on device" in ended.of_type("notice")[0]["message"]


def test_a_killed_gradtui_leaves_what_it_had_recorded(tmp_path: Path) -> None:
    trace = tmp_path / "run.trace"
    with started("--out", str(trace), "loops.py") as child:
        child.until(b"looping")
        program = child.program
        child.process.kill()
        child.process.wait()
        os.kill(program, signal.SIGKILL)
        left = gradtui("open", "--headless", "--json", "--partial", trace)
        assert left.code == 0
        assert left.printed("stdout") == "looping\n"
        assert "truncated" in left.lines[-1]["message"]


# ------------------------------------------------------- signals and streaming


class Child:
    """A headless gradtui that is running."""

    def __init__(self, *argv: str, json: bool = True) -> None:
        *options, program = argv
        command = [sys.executable, "-m", "gradtui", "run", "--headless", *(["--json"] * json), "--no-twin"]
        self.process = subprocess.Popen(
            [
                *command,
                *options,
                *(str(PROGRAMS / part) if i == 0 else part for i, part in enumerate(program.split())),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )
        self.out = b""

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.kill()
        self.process.communicate()

    @property
    def program(self) -> int:
        """The process of the program, which is the only child of gradtui's."""
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(task.read_text().split()[0])

    def until(self, text: bytes) -> None:
        """Read until this has been printed."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + PATIENCE
        while text not in self.out:
            assert time.monotonic() < deadline
            if select.select([self.process.stdout], [], [], 0.2)[0]:
                self.out += os.read(self.process.stdout.fileno(), 1 << 16)

    def end(self) -> Ended:
        out, err = self.process.communicate(timeout=PATIENCE)
        return Ended(self.process.returncode, self.out + out, err)


started = Child


def gone(pid: int) -> None:
    """Wait until no process of that group is left."""
    deadline = time.monotonic() + PATIENCE
    while group(pid):
        assert time.monotonic() < deadline


def test_sigint_is_passed_on() -> None:
    with started("interrupted.py") as child:
        child.until(b'"pass": 2')  # past the print: the subject is the pass
        child.process.send_signal(signal.SIGINT)
        ended = child.end()
    assert ended.exit["error"].startswith("KeyboardInterrupt"), ended.printed("stderr")
    assert (ended.code, ended.exit["code"], ended.err) == (130, -2, b"")
    assert ended.printed("stderr").startswith("Traceback (most recent call last):\n")
    assert ended.printed("stderr").endswith("KeyboardInterrupt\n")
    assert "gradtui/probe" not in ended.printed("stderr")
    assert ended.printed("stdout") == "ready\nat exit\n"


def test_a_program_may_take_an_interrupt_as_it_likes() -> None:
    with started("interrupted.py politely") as child:
        child.until(b'"pass": 2')  # past the print: the subject is the pass
        child.process.send_signal(signal.SIGINT)
        ended = child.end()
    assert (ended.code, ended.exit["code"], ended.exit["error"]) == (5, 5, None)
    assert ended.printed("stdout") == "ready\ninterrupted\nat exit\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_leaves_no_process(number: signal.Signals) -> None:
    with started("loops.py") as child:
        child.until(b"looping")
        program = child.program
        child.process.send_signal(number)
        ended = child.end()
        gone(program)
    assert (ended.code, ended.exit["code"]) == (128 + number, -number)
    assert ended.exit["error"] == f"killed by signal {int(number)} ({number.name})"


def test_what_is_ignored_stays_ignored() -> None:
    """`nohup gradtui run --headless ...`"""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with started("loops.py") as child:
            child.until(b"looping")
            child.process.send_signal(signal.SIGHUP)
            child.process.send_signal(signal.SIGTERM)
            assert child.end().exit["code"] == -signal.SIGTERM
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("options", [("--json",), ()], ids=["json", "text"])
def test_a_reader_that_leaves_ends_the_run_quietly(options: tuple[str, ...]) -> None:
    with started("chains.py 10000 100", json=bool(options)) as child:
        child.until(b"\n")
        program = child.program
        assert child.process.stdout is not None
        child.process.stdout.close()
        assert child.process.stderr is not None
        err = child.process.stderr.read()
        assert (child.process.wait(PATIENCE), err) == (128 + signal.SIGPIPE, b"")
        gone(program)


def test_a_line_appears_when_its_step_happens() -> None:
    with started("waits.py") as child:
        child.until(b'"type": "step", "pass": 1, "step": 3')
        assert child.process.poll() is None
        child.process.terminate()
        assert child.end().exit["steps"] == 3


def test_a_program_over_micrograd_is_watched_pass_after_pass() -> None:
    shown = gradtui("run", "--headless", "--json", "--no-twin", PROGRAMS / "trains_micrograd.py")
    lines = [json.loads(line) for line in shown.out.splitlines()]
    assert [line["root"]["name"] for line in lines if line["type"] == "pass"] == ["loss"] * 3
    assert not [line for line in lines if line["type"] == "finding"]
    names = {line["name"] for line in lines if line["type"] == "step" and line["accumulated"]}
    assert {"model.layers[0].neurons[2].w[1]", "model.layers[1].neurons[0].b"} <= names
    printed = "".join(line["text"] for line in lines if line["type"] == "output")
    assert printed.encode() == plain("trains_micrograd.py").out
