"""A large recording is looked at while the rest of it is read."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from tui import status_of, until

from gradtui.session.opening import Opening
from gradtui.trace import Trace
from gradtui.trace.cursor import Cursor
from gradtui.tui.app import DebuggerApp
from gradtui.views import status
from gradtui.views.rows import text_of
from gradtui.wire.codec import BadRecording
from gradtui.wire.messages import VERSION, Event, Exited, Hello, Node, PassBegan, PassEnded, Sent, Stepped
from gradtui.wire.recording import RecordingWriter, count_messages, read_recording

STEPS = 3_000


def _passes(count: int) -> list[Event]:
    """Passes along a chain."""
    nodes = tuple(Node(i, "*", (i + 1,), False) for i in range(1, STEPS)) + (Node(STEPS, "", (), True),)
    events: list[Event] = [Hello(VERSION, "p.py")]
    for number in range(1, count + 1):
        events.append(PassBegan(number, "scalar", (1,), nodes))
        for i in range(1, STEPS + 1):
            sent = () if i == STEPS else (Sent(i + 1, 1.0, 0.0, 1.0),)
            events.append(Stepped(number, i, i, (1.0,), sent))
        events.append(PassEnded(number))
    return events


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return _written(tmp_path / "run.gradtui", [*_passes(2), Exited(0, 2, 2 * STEPS)])


def _written(path: Path, events: list[Event]) -> Path:
    writer = RecordingWriter(path)
    for event in events:
        writer.write(event)
    writer.close()
    return path


def test_what_is_read_piece_by_piece_is_what_is_read_at_once(file: Path) -> None:
    opening, shares = Opening(file, None), []
    while not opening.done:
        opening.read(0.002)
        shares.append(opening.share)
    assert len(shares) > 2
    assert shares == sorted(shares)
    assert shares[-1] == 1
    whole = Trace.of(read_recording(file))
    assert [p.messages for p in opening.trace.passes] == [p.messages for p in whole.passes]
    assert opening.trace.exited == whole.exited is not None


def test_messages_are_counted(file: Path) -> None:
    assert count_messages(file) == 2 * (STEPS + 2) + 2


@pytest.mark.parametrize("cut", [1, 9, 5_000])
def test_a_damaged_one_is_refused_before_anything_is_shown(file: Path, cut: int) -> None:
    data = file.read_bytes()
    for damaged, what in ((data[:-cut], "truncated"), (data[:-cut] + b"?" + data[-cut + 1 :], "corrupt")):
        file.write_bytes(damaged)
        with pytest.raises(BadRecording, match=what):
            Opening(file, None)


def test_one_that_ends_without_its_last_message_is_truncated(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="is truncated after 3003 messages"):
        Opening(_written(tmp_path / "cut.gradtui", _passes(1)), None)


def test_one_whose_last_message_is_of_another_make_is_refused_in_words(file: Path) -> None:
    data = b"\x93\x01\x02\x03"
    file.write_bytes(
        file.read_bytes() + len(data).to_bytes(4, "big") + zlib.crc32(data).to_bytes(4, "big") + data
    )
    with pytest.raises(BadRecording, match="is corrupt"):
        Opening(file, None)


async def test_the_end_is_gone_to_when_all_is_read(file: Path) -> None:
    opening = Opening(file, 100_000)
    opening.read(0)
    app = DebuggerApp.over_opening(opening, "run.gradtui")
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.state.cursor.number)
        await pilot.press("c")
        await until(pilot, lambda: app.state.opening is None)
        await until(pilot, lambda: app.state.cursor == Cursor(2, STEPS))


async def test_keys_work_while_it_is_read(file: Path) -> None:
    opening = Opening(file, None)
    opening.read(0)
    app = DebuggerApp.over_opening(opening, "run.gradtui")
    seen = set()
    async with app.run_test(size=(100, 30)) as pilot:
        while app.state.opening is not None:
            seen.add(text_of([status.condition(app.state)]).rstrip("0123456789%"))
            if app.state.cursor == Cursor(1, 0):
                await pilot.press("n")
            await pilot.pause(0.001)
        assert seen == {"… reading the recording: "}
        assert app.state.cursor == Cursor(1, 1)
        await pilot.press("n")
        await until(pilot, lambda: app.state.cursor == Cursor(1, 2))
        assert f"step 2/{STEPS}" in status_of(app)
        assert "recording" in status_of(app)


async def test_one_that_makes_no_sense_ends_the_screen_with_the_reason(tmp_path: Path) -> None:
    events = _passes(2)
    del events[-20]
    opening = Opening(_written(tmp_path / "odd.gradtui", [*events, Exited(0, 2, 0)]), None)
    opening.read(0)
    app = DebuggerApp.over_opening(opening, "odd.gradtui")
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: opening.done)
    assert app.return_code == 2
    assert "steps are missing" in str(opening.fault)
