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
    ],
)
def test_lines(pieces: list[str | tuple[str, str]], lines: list[str]) -> None:
    assert [text for _, text in _log(*pieces).lines] == lines


def test_only_the_newest_is_kept() -> None:
    log = _log("".join(f"{n}\n" for n in range(KEPT + 10)), "x" * (LONGEST + 1), "x" * 10)
    assert (len(log.lines), log.dropped) == (KEPT, 11)
    assert log.lines[0] == ("stdout", "11")
    assert log.lines[-1] == ("stdout", "x" * LONGEST)
    assert log.text.startswith("11\n12\n")
    assert log.version == 3
