"""The newest part of what the program printed, in lines as a terminal would show them."""

from __future__ import annotations

import pytest

from gradtui.trace.output import KEPT, LONGEST, OutputLog
from gradtui.wire.messages import Output


def _log(*pieces: str | tuple[str, str]) -> OutputLog:
    log = OutputLog()
    for piece in pieces:
        stream, text = piece if isinstance(piece, tuple) else ("stdout", piece)
        log.add(Output(stream, text))  # type: ignore[arg-type]
    return log


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        (["a\nb\n"], ["a", "b"]),
        (["a", "b\nc"], ["ab", "c"]),
        (["a\n\n", "\nb"], ["a", "", "", "b"]),
        (["10%\r20%\r", "30%\ndone"], ["30%", "done"]),
        (["a\r", "\nb"], ["a", "b"]),
        (["a\r\nb\r\n"], ["a", "b"]),
        (["page\x0c, line\u2028 and \x85 are text\n"], ["page\x0c, line\u2028 and \x85 are text"]),
        (["out ", ("stderr", "err\n"), "more\n"], ["out ", "err", "more"]),
        (["\r"], []),
        ([""], []),
        (["loading   \rdone"], ["doneing   "]),
        (["ab\b\bX\n"], ["Xb"]),
        (["\x1b[1;31mred\x1b[0m, \x1b]8;;http://x\x1b\\link\x1b]8;;\x07, bell\x07\n"], ["red, link, bell"]),
        (["a long line\r\x1b[Kshort\n"], ["short"]),
        # two progress bars, one inside the other, as tqdm draws them
        (
            ["outer 0%", "\n\rinner 0%", "\x1b[A", "\n\rinner 50%", "\x1b[A", "\router 50%"],
            ["outer 50%", "inner 50%"],
        ),
        # a picture that is drawn again from its first line, as rich does
        (["one\ntwo", "\r\x1b[2K\x1b[1A\x1b[2K", "1\n2\n3"], ["1", "2", "3"]),
        (["one\ntwo\n", "\x1b[2A\x1b[J", "three"], ["three"]),
        (
            ["before\n", "\x1b[H\x1b[2J\x1b[3J", "a new page\n", "\x1b[H", "its first line"],
            ["before", "its first line"],
        ),
        (["(Pdb) p y\b\x1b[Kx", "\x1b[3D", "\x1b[1P", "\x1b[1@", "q"], ["(Pdb) q x"]),
        (["\x1b[999999999C\x1b[999999999Bx"], [" " * LONGEST]),
        # a bar on one stream, lines on the other
        (
            [("stderr", "\r10%"), "loss 1\n", ("stderr", "\r20%"), ("stderr", "\r   \r"), "loss 2\n"],
            ["10%", "loss 1", "loss 2"],
        ),
    ],
)
def test_lines(pieces: list[str | tuple[str, str]], lines: list[str]) -> None:
    assert [text for _, text in _log(*pieces).lines] == lines


def test_it_does_not_matter_where_the_text_was_cut() -> None:
    text = "\x1b[31ma\x1b]0;title\x1b\\b\r\n\x1b[Ac\x1b(B\x1b[2;1Hd\x1b[0Ke\x1b[?25h"
    whole = _log(text).lines
    assert [line for _, line in whole] == ["cb", "de"]
    for first in range(len(text)):
        for second in range(first, len(text)):
            assert _log(text[:first], text[first:second], text[second:]).lines == whole


def test_a_sequence_that_never_ends_is_text_in_the_end() -> None:
    log = _log("\x1b]0;" + "x" * LONGEST)
    assert len(log.text) == LONGEST


def test_only_the_newest_is_kept() -> None:
    log = _log("".join(f"{n}\n" for n in range(KEPT + 10)), "x" * (LONGEST + 1), "x" * 10)
    assert (len(log.lines), log.dropped) == (KEPT, 11)
    assert log.lines[0] == ("stdout", "11")
    assert log.lines[-1] == ("stdout", "x" * LONGEST)
    assert log.text.startswith("11\n12\n")
    assert log.version == 3
