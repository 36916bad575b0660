"""Codec, channel and frames: nothing is lost, torn or trusted."""

from __future__ import annotations

import gc
import itertools
import math
import os
import select
import signal
import socket
import threading
from collections.abc import Iterator
from types import CodeType, FrameType

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradtui.wire import messages
from gradtui.wire.channel import LONGEST, Channel, Closed, FrameReader, MemoryChannel, frame
from gradtui.wire.codec import WireError, decode_command, decode_event, encode
from gradtui.wire.messages import (
    Accumulated,
    Begin,
    Event,
    Exited,
    Go,
    Hello,
    Node,
    Notice,
    Output,
    PassBegan,
    PassEnded,
    Raised,
    Sent,
    Stepped,
    Summary,
    Twin,
)

SUMMARY = Summary((2, 1), "float32", "cpu", math.inf, -math.inf, 1.0, None, 0, 1, (math.inf, -0.0))
EVENTS: list[Event] = [
    Hello(1, "neuron.py", ("--lr", "0.1"), "3.11.7", 7, "/tmp"),
    PassBegan(
        1, "torch", (1,), (Node(1, "MulBackward0", (2, None), False, value=SUMMARY), Node(2, "", (), True))
    ),
    Stepped(1, 1, 1, (1.0, None), (Sent(2, SUMMARY), None), twin=Twin("MulBackward0", 2.0, 1.0, (None, 3.0))),
    Stepped(1, 2, 2, (SUMMARY,), (), Accumulated(2, None, 0.5, 0.5)),
    PassEnded(1, None, (Accumulated(2, 0.0, 0.5, 0.5),)),
    Output("stderr", "half a character: \N{REPLACEMENT CHARACTER}\n"),
    Notice("no twin for op 'softplus'", 1),
    Raised("ValueError: x (a.py:1)", "Traceback ..."),
    Exited(-9, 1, 2, "killed by signal 9 (SIGKILL)"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_survives_the_wire(event: Event) -> None:
    assert decode_event(encode(event)) == event


@pytest.mark.parametrize("number", [math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308])
def test_numbers_cross_exactly(number: float) -> None:
    back = decode_event(encode(Stepped(1, 1, 1, (number,), ())))
    assert isinstance(back, Stepped)
    received = back.received[0]
    assert isinstance(received, float)
    assert (received, math.copysign(1, received)) == (number, math.copysign(1, number))


def test_nan_crosses() -> None:
    back = decode_event(encode(Stepped(1, 1, 1, (math.nan,), ())))
    assert isinstance(back, Stepped)
    assert isinstance(back.received[0], float)
    assert math.isnan(back.received[0])


def test_commands_survive_the_wire() -> None:
    for command in (Begin("a.py", ("x",), {"lr": "1"}, False, "full", False), Go("pass")):
        assert decode_command(encode(command)) == command


def test_a_lone_surrogate_crosses_as_its_escape() -> None:
    assert decode_event(encode(Raised("\udcff", "a\udc80b"))) == Raised("\\udcff", "a\\udc80b")
    begin = decode_command(encode(Begin("p.py", ("\udcff",), {"a": "\udcff"})))
    assert isinstance(begin, Begin)
    assert (begin.argv, begin.knobs) == (("\\udcff",), {"a": "\\udcff"})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        msgspec.msgpack.encode(["no such tag", 1]),
        msgspec.msgpack.encode(["step"]),
        msgspec.msgpack.encode(["exit", "zero", 1, 1]),
        msgspec.msgpack.encode(["go", "step"]),
        msgspec.msgpack.encode({"code": 0}),
        b"\x91" * 100_000,
        encode(EVENTS[0])[:-1],
        encode(EVENTS[0]) + b"\x00",
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        decode_event(data)


def test_a_newer_message_with_more_fields_is_still_read() -> None:
    assert decode_event(msgspec.msgpack.encode(["exit", 0, 1, 2, None, "a field of tomorrow"])) == Exited(
        0, 1, 2
    )


def test_every_message_is_frozen_tagged_and_array_like() -> None:
    for kind in (*messages.Event.__args__, *messages.Command.__args__):
        config = kind.__struct_config__
        assert (config.frozen, config.array_like) == (True, True), kind
        assert config.tag, kind


# ---------------------------------------------------------------------- frames


@given(st.lists(st.binary(max_size=300)), st.lists(st.integers(1, 50), min_size=1))
def test_frames_are_cut_alike_however_the_bytes_arrive(payloads: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(map(frame, payloads))
    reader, found, at, turn = FrameReader(), [], 0, 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        found += reader.feed(stream[at : at + size])
        at, turn = at + size, turn + 1
    assert found == payloads


def test_an_impossible_length_is_garbage() -> None:
    with pytest.raises(WireError, match="not our stream"):
        FrameReader().feed((LONGEST + 1).to_bytes(4, "big"))


# --------------------------------------------------------------------- channel


def _pair() -> tuple[Channel, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.settimeout(20)
    return Channel(theirs.detach()), ours


def _read_events(source: socket.socket) -> list[Event]:
    """All events until the other end closes."""
    reader, events = FrameReader(), []
    with source:  # closed also when a frame is torn, or the writer would wait for ever
        while data := source.recv(1 << 16):
            events += [decode_event(payload) for payload in reader.feed(data)]
    return events


def test_a_channel_takes_commands_and_sends_events_in_order() -> None:
    channel, ours = _pair()
    ours.sendall(frame(encode(Go("step"))) + frame(encode(Go("end"))))
    assert [channel.receive(), channel.receive()] == [Go("step"), Go("end")]
    for event in EVENTS:
        channel.send(event)
    channel.close()
    assert _read_events(ours) == EVENTS


def test_a_debugger_that_is_gone_is_told_apart_from_an_error() -> None:
    channel, ours = _pair()
    ours.close()
    with pytest.raises(Closed):
        channel.send(EVENTS[0])
    with pytest.raises(Closed):
        channel.receive()
    channel.close()
    channel.close()  # closing twice is closing
    with pytest.raises(Closed):
        channel.send(EVENTS[0])


def test_threads_do_not_tear_each_others_frames() -> None:
    channel, ours = _pair()

    def speak(name: str) -> None:
        for turn in range(200):
            channel.send(Output("stdout", f"{name} {turn} " + name * 2000))

    threads = [threading.Thread(target=speak, args=(name,)) for name in "abc"]
    listener = threading.Thread(target=lambda: heard.extend(_read_events(ours)))
    heard: list[Event] = []
    for thread in (listener, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    channel.close()
    listener.join()
    said = [event.text.split(" ")[:2] for event in heard if isinstance(event, Output)]
    for name in "abc":
        assert [turn for who, turn in said if who == name] == [str(turn) for turn in range(200)]


class Interrupted(Exception):
    """Raised by the signal handler below."""


def codes(frame: FrameType | None) -> Iterator[CodeType]:
    """What runs, innermost first."""
    while frame is not None:
        yield frame.f_code
        frame = frame.f_back


def test_a_signal_handler_that_raises_or_sends_tears_no_frame() -> None:
    """As `KeyboardInterrupt` does: it comes in the middle of a write, which the reader keeps waiting."""
    channel, ours = _pair()
    heard: list[Event] = []
    listener = threading.Thread(target=lambda: heard.extend(_read_events(ours)))
    numbers = itertools.count()
    interruptions: list[str] = []
    returned: list[str] = []
    sent: list[Output] = []
    may_raise = False  # only where this test catches it

    def handler(_: object, frame: FrameType | None) -> None:
        nonlocal may_raise
        if sum(code is handler.__code__ for code in codes(frame)) > 2:
            return  # slower than the timer
        name = f"handler {next(numbers)}"
        interruptions.append(name)  # the next one may come before this one's `send` has begun
        channel.send(Notice(name))
        returned.append(name)
        if may_raise and len(interruptions) % 2:
            may_raise = False
            raise Interrupted

    before = signal.signal(signal.SIGALRM, handler)
    listener.start()
    gc.disable()  # what is raised in a callback of the collector's is swallowed
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        while len(interruptions) < 200:
            event = Output("stdout", f"{len(sent)} " + "x" * 300_000)
            sent.append(event)
            try:
                may_raise = True
                channel.send(event)
                may_raise = False
            except Interrupted:
                pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gc.enable()
    channel.flush()
    channel.close()
    listener.join()
    outputs = [event.text.split(" ")[0] for event in heard if isinstance(event, Output)]
    notices = [event.message for event in heard if isinstance(event, Notice)]
    assert outputs == sorted(set(outputs), key=int)
    assert set(returned) <= set(notices) <= set(interruptions), "a send that returned was heard"
    assert returned
    assert len(set(notices)) == len(notices), "none was heard twice"
    assert {event.text for event in heard if isinstance(event, Output)} <= {event.text for event in sent}
    assert len(sent) - len(outputs) <= len(interruptions), "only one that was interrupted may be missing"


@pytest.mark.parametrize("blocked", ["send", "receive"])
def test_a_timeout_of_the_programs_own_is_no_end_of_the_debugger(blocked: str) -> None:
    """`TimeoutError` is an `OSError`, but it is the handler's and goes to the program."""
    channel, ours = _pair()

    def handler(*_: object) -> None:
        if blocked == "receive" or select.select([ours], [], [], 0)[0]:  # the write has begun
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise TimeoutError("too slow")

    def block() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        channel.receive() if blocked == "receive" else channel.send(Output("stdout", "x" * 10_000_000))

    before = signal.signal(signal.SIGALRM, handler)
    try:
        with pytest.raises(TimeoutError, match="too slow"):
            block()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    ours.sendall(frame(encode(Go("step"))))
    assert channel.receive() == Go("step")
    listener = threading.Thread(target=lambda: heard.extend(_read_events(ours)))
    heard: list[Event] = []
    listener.start()
    channel.send(Notice("goes on"))
    channel.close()
    listener.join()
    assert heard[-1] == Notice("goes on")
    assert len(heard) == (2 if blocked == "send" else 1)


def test_the_memory_channel_encodes_and_decodes() -> None:
    heard: list[Event] = []
    channel = MemoryChannel(heard.append)
    for event in EVENTS:
        channel.send(event)
    assert heard == EVENTS
    assert all(one is not other for one, other in zip(heard, EVENTS))
    with pytest.raises(Closed):
        channel.receive()


def test_a_closed_channel_leaves_no_descriptor() -> None:
    channel, ours = _pair()
    descriptor = channel._descriptor
    channel.close()
    ours.close()
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(descriptor)
