"""A recording is opened whole or refused with a reason; nothing of it is trusted."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from msgspec import structs

from gradtui.session.keeping import Keeper
from gradtui.wire.codec import BadRecording, encode
from gradtui.wire.messages import (
    VERSION,
    Accumulated,
    Event,
    Exited,
    Hello,
    Node,
    Notice,
    Output,
    PassBegan,
    PassEnded,
    Progress,
    Sent,
    Stepped,
    Stopped,
)
from gradtui.wire.recording import MAGIC, RecordingWriter, _Coherence, read_recording

HEAD = MAGIC + VERSION.to_bytes(4, "big")
BEGAN = PassBegan(1, "scalar", (1,), (Node(1, "+", (2, 2), False), Node(2, "", (), True)))
EVENTS: list[Event] = [
    Hello(VERSION, "p.py"),
    Output("stdout", "hé"),
    BEGAN,
    Stepped(1, 1, 1, (1.0,), (Sent(2, 1.0), Sent(2, 1.0))),
    Stepped(1, 2, 2, (2.0,), (), Accumulated(2, 0.0, 2.0, 2.0)),
    PassEnded(1),
    Exited(0, 1, 2),
]


def _record(path: Path, events: list[Event]) -> bytes:
    writer = RecordingWriter(path)
    for event in events:
        writer.write(event)
    writer.close()
    return path.read_bytes()


def _frame(event: Event) -> bytes:
    data = encode(event)
    return len(data).to_bytes(4, "big") + zlib.crc32(data).to_bytes(4, "big") + data


def test_what_was_written_is_read_but_progress(tmp_path: Path) -> None:
    path = tmp_path / "run.trace"
    _record(path, [EVENTS[0], Progress("importing torch"), *EVENTS[1:]])
    assert list(read_recording(path)) == EVENTS


def test_truncated_at_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "run.trace"
    data = _record(path, EVENTS)
    ends, at = [], len(HEAD)
    for event in EVENTS:
        at += len(_frame(event))
        ends.append(at)
    for size in range(len(data)):
        path.write_bytes(data[:size])
        with pytest.raises(BadRecording) as refused:
            list(read_recording(path))
        says = "is empty" if not size else "is not a" if size < len(MAGIC) else "is truncated after"
        assert says in str(refused.value), size
        if size >= len(MAGIC):
            whole = sum(end <= size for end in ends)
            *events, notice = read_recording(path, partial=True)
            assert events == EVENTS[:whole]
            assert isinstance(notice, Notice)
            assert f"truncated after {whole} messages" in notice.message


def test_every_single_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "run.trace"
    data = _record(path, EVENTS)
    for position in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[position] ^= 1 << bit
            path.write_bytes(flipped)
            with pytest.raises(BadRecording):
                list(read_recording(path))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty: make one with `gradtui run"),
        (b"print('hello')\n", "is not a gradtui recording"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "is not a gradtui recording"),
        (MAGIC + (VERSION + 1).to_bytes(4, "big"), f"stream version {VERSION + 1}"),
        (HEAD, "truncated after 0 messages"),
        (HEAD + b"\xff\xff\xff\xff" + bytes(4), "truncated after 0 messages"),
        (HEAD + _frame(EVENTS[0]) + bytes(8), "corrupt"),
        (HEAD + _frame(EVENTS[0]) + _frame(EVENTS[-1]) + b"x", "corrupt|truncated"),
        (HEAD + _frame(EVENTS[0]) + _frame(EVENTS[-1]) * 2, "goes on after its end"),
        (HEAD + _frame(EVENTS[3]) + _frame(EVENTS[-1]), "no pass announced"),
        (HEAD + _frame(PassEnded(1)) + _frame(EVENTS[-1]), "no pass announced"),
        (HEAD + _frame(BEGAN) + _frame(Stepped(1, 1, 9, (), ())) + _frame(EVENTS[-1]), "no pass announced"),
        (
            HEAD + _frame(BEGAN) + _frame(PassEnded(1, "no", failed=9)) + _frame(EVENTS[-1]),
            "no pass announced",
        ),
        (
            HEAD + _frame(BEGAN) + _frame(Stopped("step", 1, 0, then=9)) + _frame(EVENTS[-1]),
            "no pass announced",
        ),
        (HEAD + _frame(PassBegan(1, "torch", (), ())) + _frame(EVENTS[-1]), "without a root"),
        (HEAD + _frame(PassBegan(1, "torch", (5,), ())) + _frame(EVENTS[-1]), "no pass announced"),
    ],
)
def test_other_files_are_refused_with_the_reason(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "other"
    path.write_bytes(data)
    with pytest.raises(BadRecording, match=says):
        list(read_recording(path))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match=r"cannot read .*: Is a directory"):
        list(read_recording(tmp_path))
    with pytest.raises(BadRecording, match=r"cannot read .*: No such file"):
        list(read_recording(tmp_path / "none"))


# --------------------------------------------------------------------- keeping


def test_an_older_file_lives_until_the_program_has_started(tmp_path: Path) -> None:
    path = tmp_path / "run.trace"
    path.write_bytes(b"older")
    keeper = Keeper(path)
    early = Output("stderr", "before hello")
    assert keeper.keep([early]) == [early]
    assert path.read_bytes() == b"older"
    keeper.keep(EVENTS[:3])
    assert list(read_recording(path, partial=True))[:-1] == [early, *EVENTS[:3]]  # there, though still open
    keeper.keep(EVENTS[3:])
    assert list(read_recording(path)) == [early, *EVENTS]


def test_a_run_that_never_started_is_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "run.trace"
    Keeper(path).keep([Output("stderr", "no module named"), EVENTS[-1]])
    assert not path.exists()


@pytest.mark.parametrize("cut", [3, len(EVENTS)], ids=["in the middle", "at the end"])
def test_a_disk_that_refuses_is_said_once_and_before_the_end(cut: int) -> None:
    keeper = Keeper(Path("/dev/full"))
    told = keeper.keep(EVENTS[:cut])
    notices = [event for event in told if isinstance(event, Notice)]
    assert [notice.message for notice in notices] == [
        "the recording /dev/full is not whole: No space left on device"
    ]
    assert [event for event in told if event not in notices] == EVENTS[:cut]
    assert isinstance(told[-1], Exited) == (cut == len(EVENTS))
    assert keeper.keep(EVENTS[cut:]) == EVENTS[cut:]


def test_of_passes_that_are_over_no_nodes_are_kept_while_reading() -> None:
    coherence = _Coherence()
    for number in (*range(1, 50), 60, 55, *range(61, 100)):
        assert coherence.fault_of(structs.replace(BEGAN, number=number)) is None
        assert coherence.fault_of(Stepped(number, 1, 1, (1.0,), ())) is None
        assert coherence.fault_of(PassEnded(number)) is None
    assert len(coherence._nodes) == len(coherence._steps) == 1
    assert coherence.fault_of(Stopped("pass end", 7, 1)) is None
    assert coherence.fault_of(Stopped("pass end", 54, 1)) is not None
    assert coherence.fault_of(Stepped(7, 2, 1, (1.0,), ())) is not None
    for number in (7, 55, 99):
        assert coherence.fault_of(structs.replace(BEGAN, number=number)) is not None
    assert coherence.fault_of(structs.replace(BEGAN, number=54)) is None
