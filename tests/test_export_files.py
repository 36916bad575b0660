"""What `gradtui export` writes, and what it says where it cannot."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pictures import Dot
from running import PROGRAMS, gradtui

from gradtui.export.graph import write
from gradtui.session.errors import BadInput
from gradtui.wire.codec import BadRecording


def test_the_same_twice(tmp_path: Path) -> None:
    for name in ("neuron.svg", "neuron.dot"):
        write("neuron", tmp_path / name, "4", {})
        first = (tmp_path / name).read_bytes()
        write("neuron", tmp_path / name, "4", {})
        assert (tmp_path / name).read_bytes() == first


@pytest.mark.parametrize(
    ("source", "file", "at", "says"),
    [
        ("neuron", "x.png", None, "ends in .png: name it FILE.svg"),
        ("neuron", "x", None, "has no ending"),
        ("neuron", "no/such/x.svg", None, "cannot write no/such/x.svg: No such file"),
        ("no_such_lesson", "x.svg", None, "no such file: no_such_lesson"),
        (str(PROGRAMS / "no_backward.py"), "x.svg", None, "has no backward pass to show"),
        (str(PROGRAMS / "broken_import.py"), "x.svg", None, "has no backward pass to show: "),
        ("neuron", "x.svg", "11", "--at 11: pass 1 of neuron has 10 steps"),
        ("neuron", "x.svg", "2:1", "--at 2:1: there is no pass 2; neuron has 1 pass"),
        ("neuron", "x.svg", "0:1", "--at 0:1: passes count from 1"),
        ("neuron", "x.svg", "soon", "--at soon: no position"),
        ("neuron", "x.svg", "-1", "--at -1: no position"),
    ],
)
def test_what_will_not_do_is_said(
    source: str, file: str, at: str | None, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=re.escape(says)):
        write(source, Path(file), at, {})
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_what_is_no_recording_and_no_program(tmp_path: Path) -> None:
    stranger = tmp_path / "run.trace"
    stranger.write_bytes(b"something else")
    with pytest.raises(BadInput, match="neither a Python program nor a recording"):
        write(str(stranger), tmp_path / "x.svg", None, {})
    stranger.write_bytes(b"gradtui trace\n\0\0\0\1")
    with pytest.raises(BadRecording, match="truncated"):
        write(str(stranger), tmp_path / "x.svg", None, {})
    with pytest.raises(BadInput, match="is a recording; knobs"):
        write(str(stranger), tmp_path / "x.svg", None, {"a": "1"})
    source = tmp_path / "program.svg"
    source.write_text("")
    with pytest.raises(BadInput, match="it is the source"):
        write(str(source), source, None, {})


def test_by_the_command(tmp_path: Path) -> None:
    done = gradtui("export", "neuron", tmp_path / "n.gv", "--at", "2")
    assert (done.code, done.out, done.err) == (0, b"", b"")
    assert Dot((tmp_path / "n.gv").read_text()).nodes
    failed = gradtui("export", "neuron", tmp_path / "n.svg", "--at", "99")
    assert (failed.code, failed.out) == (2, b"")
    assert failed.error == "gradtui: --at 99: pass 1 of neuron has 10 steps\n"


def test_a_graph_too_large_for_an_svg_is_a_dot_still(tmp_path: Path) -> None:
    program = tmp_path / "deep.py"
    program.write_text(
        "from gradtui.scalar import Value\nx = Value(1.0)\nfor _ in range(3001):\n    x = x.tanh()\nx.backward()\n"
    )
    with pytest.raises(BadInput, match=r"an SVG holds at most 3,000: write a FILE\.dot"):
        write(str(program), tmp_path / "x.svg", None, {})
    write(str(program), tmp_path / "x.dot", None, {})
    assert len(Dot((tmp_path / "x.dot").read_text()).nodes) == 2 * 3001 + 1
