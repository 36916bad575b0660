"""A paragraph: its marks as spans, and its words filled into rows.

The marks are Markdown's, read as people write them among Python and formulas: see `markdown`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from gradtui.views.rows import Role, Row, Span, width_of

_INLINE = re.compile(
    r"(?P<ticks>`+)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)"
    r"|(?<![\w*\\])\*\*(?=[^\s*])(?P<bold>.+?)(?<=[^\s*\\])\*\*(?![\w*])"
    r"|(?<![\w*\\])\*(?=[^\s*])(?P<emphasis>[^*]+?)(?<=[^\s\\])\*(?![\w*])"
    r"|\[(?P<link>[^\]\[]+)\]\((?P<address>[^()\s]+)\)"
    r"|\\(?P<escaped>[*`\[\]\\#|])"
)


def inline(text: str, role: Role = "") -> Row:
    """A text with its marks as spans."""
    spans: list[Span] = []
    at = 0
    for found in _INLINE.finditer(text):
        spans.append(Span(text[at : found.start()], role))
        at = found.end()
        if found["code"]:
            code = found["code"]
            spaced = code.startswith(" ") and code.endswith(" ") and code.strip()
            spans.append(Span(code[1:-1] if spaced else code, "name"))
        elif found["bold"]:
            spans += inline(found["bold"], "strong")
        elif found["emphasis"]:
            spans += inline(found["emphasis"], "marked")
        elif found["link"]:
            spans += [*inline(found["link"], role), Span(f" ({found['address']})", "dim")]
        else:
            spans.append(Span(found["escaped"], role))
    spans.append(Span(text[at:], role))
    return tuple(span for span in spans if span.text)


def filled(spans: Sequence[Span], width: int, indent: str = "") -> list[Row]:
    """Spans broken at spaces into rows of at most `width` cells; a longer word is broken too.

    Unlike `rows.wrapped` it never breaks between `code` and the comma behind it.
    """
    rows: list[list[Span]] = [[]]
    used = 0
    for word in _words(spans):
        size, gap = width_of(word), 1 if used > 0 else 0
        if used and used + gap + size > width:
            rows.append([Span(indent)] if indent else [])
            used, gap = 0, 0
        if gap:
            before = rows[-1][-1].role
            rows[-1].append(Span(" ", before if before == word[0].role else ""))
        for piece in _broken(word, max(2, width - len(indent))):
            if used and used + gap + width_of(piece) > width:
                rows.append([Span(indent)] if indent else [])
                used, gap = 0, 0
            rows[-1] += piece
            used, gap = used + gap + width_of(piece), 0
    return [_merged(r) for r in rows]


def _words(spans: Sequence[Span]) -> Iterator[list[Span]]:
    """Words, each as the spans that it is made of."""
    word: list[Span] = []
    for span in spans:
        for k, part in enumerate(re.split(r"\s+", span.text)):
            if k and word:
                yield word
                word = []
            if part:
                word.append(Span(part, span.role))
    if word:
        yield word


def _broken(word: list[Span], width: int) -> Iterator[list[Span]]:
    """A word in pieces of at most `width` cells."""
    piece: list[Span] = []
    used = 0
    for span in word:
        text = ""
        for char in span.text:
            size = cell_len(char)
            if used + size > width:
                yield [*piece, Span(text, span.role)] if text else piece
                piece, text, used = [], "", 0
            text += char
            used += size
        if text:
            piece.append(Span(text, span.role))
    if piece:
        yield piece


def _merged(spans: Sequence[Span]) -> Row:
    out: list[Span] = []
    for span in spans:
        if out and out[-1].role == span.role:
            out[-1] = Span(out[-1].text + span.text, span.role)
        elif span.text:
            out.append(span)
    return tuple(out)
