"""A program has a terminal of its own: it asks, is answered, and its output keeps its place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from driving import Driven, driven

from gradtui.session.errors import BadInput
from gradtui.session.placing import Placing
from gradtui.session.terminal import Terminal
from gradtui.trace.output import OutputLog
from gradtui.wire.marks import mark
from gradtui.wire.messages import Event, Output

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")


def lines(run: Driven) -> list[str]:
    """What has been printed, as the screen shows it."""
    log = OutputLog()
    for event in run.of(Output):
        assert isinstance(event, Output)
        log.add(event)
    return [line for _, line in log.lines]


def test_a_program_has_a_terminal_of_its_own() -> None:
    answers = {"name? ": "Ada", "age? ": "36", "more? ": "yes", "Password: ": "secret"}
    with driven("in_terminal.py", stdin="terminal", columns=70) as run:
        for asked, answer in answers.items():
            run.until(lambda asked=asked: asked in run.printed)
            run.until(lambda asked=asked: run.session.secret == (asked == "Password: "))
            run.session.type(answer + "\n")
        run.until(lambda: "6 characters" in run.printed)
        run.session.type("one\nto the end")
        run.session.end_input()
        assert run.end().code == 0
        assert lines(run) == [
            "[True, True, True] True os.terminal_size(columns=70, lines=24)",
            "True True",
            "name? Ada",
            "hello Ada",
            "age? 36",
            "37",
            "more? yes",
            "a child hears yes",
            "Password: ",
            "6 characters",
            "one",
            "to the endthe rest: one",
            "to the end",
        ]
        assert "37\n" in [event.text for event in run.of(Output) if event.stream == "stderr"]  # type: ignore[attr-defined]


def test_what_is_printed_past_python_keeps_its_place_at_a_terminal() -> None:
    with driven("prints_both_ways.py", stdin="terminal") as run:
        assert run.end().code == 0
        assert lines(run) == [str(number) for number in range(900)]


def test_an_interrupt_from_the_keyboard_reaches_the_children_too() -> None:
    with driven("interrupted_together.py", stdin="terminal") as run:
        run.until(lambda: "both wait" in run.printed)
        run.session.type("\x03")
        assert (run.end().error or "").startswith("KeyboardInterrupt")
        assert "the child was interrupted" in run.printed


def test_a_terminal_that_changes_its_size_tells_the_program(tmp_path: Path) -> None:
    program = tmp_path / "looks.py"
    program.write_text(
        "import os, signal\nsignal.signal(signal.SIGWINCH, lambda *_: print(os.get_terminal_size().columns))\n"
        "input('ready? ')\n"
    )
    with driven(str(program), stdin="terminal") as run:
        run.until(lambda: "ready" in run.printed)
        run.session.resize(99)
        run.session.type("\n")
        assert run.end().code == 0
        assert "99" in run.printed


@pytest.mark.skipif(not os.access("/proc/self/syscall", os.R_OK), reason="the system does not tell")
def test_a_program_that_waits_for_a_line_is_known_to() -> None:
    with driven("asks.py", stdin="terminal") as run:
        run.until(lambda: run.session.reading)
        run.session.type("1\n")
        run.session.end_input()
        run.end()
        assert not run.session.reading
    with driven("loops.py", stdin="terminal") as run:
        run.until(lambda: "looping" in run.printed)
        assert not run.session.reading


def test_text_of_a_terminal_waits_for_its_message_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(messages: list[Event], text: bytes) -> str:
        return "".join(e.text for e in placing.place(messages, text) if isinstance(e, Output))

    first, second = Output("stdout", "first "), Output("stderr", "second ")
    placing = Placing()
    monkeypatch.setattr("gradtui.session.placing.PATIENCE", 60.0)
    assert told([], b"before " + mark(1) + b"after ") == "before "
    assert told([first], b"more ") == "first after more "
    assert told([second], b"") == "second "  # a message waits for nothing
    assert told([], mark(2) + b"late " + mark(3)[:5]) == "late "
    assert told([], mark(3)[5:] + b"held") == ""
    monkeypatch.setattr("gradtui.session.placing.PATIENCE", -1.0)
    assert told([], b"") == "held"
    assert told([], b"end \x1b") == "end "
    assert [e.text for e in placing.finish() if isinstance(e, Output)] == ["\x1b"]


def test_a_line_longer_than_the_system_passes_on_is_refused() -> None:
    terminal = Terminal()
    try:
        for text in ("x" * 6000 + "\n", "y\n" + "x" * 4096):
            with pytest.raises(BadInput, match=r"4,095"):
                terminal.type(text)
        terminal.type("x" * 4000)
        with pytest.raises(BadInput, match=r"a line of 4,100 bytes"):
            terminal.type("x" * 100 + "\n")
        terminal.type("x" * 95 + "\n")
        assert os.read(terminal.theirs, 9000) == b"x" * 4095 + b"\n"
    finally:
        terminal.close()
