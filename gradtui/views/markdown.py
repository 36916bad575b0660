"""A docstring's Markdown as rows: what people write in docstrings, and not a word of it lost.

Made for text that is full of Python and formulas, where a general reader of Markdown takes
`x1*w1 + x2*w2` for emphasis and `__init__` for bold: a mark counts only where it stands around
words, and underscores are never marks. What is not understood is shown as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from inspect import cleandoc

from gradtui.views.prose import filled, inline
from gradtui.views.rows import Row, Span, width_of

BULLETS = "•◦▪"
"""Of a list, of a list within it, and so on."""
NARROWEST = 5
"""Cells of a table's column at least, where the table is too wide."""

_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
_ITEM = re.compile(r"(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$")
_FENCE = re.compile(r"(\s{0,3})(`{3,}|~{3,})\s*([\w+-]*)\s*$")
_UNDERLINE = re.compile(r"(=|-){3,}\s*$")
_RULE = re.compile(r"([-*_])(\s*\1){2,}\s*$")
_SEPARATOR = re.compile(r"\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")


def rows_of(text: str, width: int) -> list[Row]:
    """The text in rows of at most `width` cells (code, which is kept as it is, may be wider)."""
    rows: list[Row] = []
    for block in _blocks(cleandoc(text).expandtabs(4).split("\n"), Room(max(8, width), 0)):
        if rows and block:
            rows.append(())
        rows += block
    return rows


# ------------------------------------------------------------------------- blocks


@dataclass(frozen=True)
class Room:
    """Where a block stands."""

    width: int
    level: int
    """Lists around it."""


def _blocks(lines: Sequence[str], room: Room) -> Iterator[list[Row]]:
    """The blocks of some lines, each as rows."""
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            at += 1
            continue
        for reader in (_fenced, _indented, _heading, _rule, _table, _quote, _list):
            found = reader(lines, at, room)
            if found is not None:
                rows, at = found
                yield rows
                break
        else:
            end = at + 1
            while end < len(lines) and not _ends_paragraph(lines, end):
                end += 1
            yield _paragraph(lines[at:end], room.width)
            at = end


Found = tuple[list[Row], int] | None
"""The rows of a block and the line behind it; None where no such block begins."""


def _ends_paragraph(lines: Sequence[str], at: int) -> bool:
    line = lines[at]
    item = _ITEM.match(line)
    return (
        not line.strip()
        or line.lstrip().startswith(">")
        or bool(_FENCE.match(line) or _HEADING.match(line))
        or (item is not None and item.group(2) in ("-", "*", "+", "1.", "1)"))
    )


def _fenced(lines: Sequence[str], at: int, _room: Room) -> Found:
    opening = _FENCE.match(lines[at])
    if opening is None:
        return None
    end = at + 1
    while end < len(lines) and lines[end].strip() != opening.group(2):
        end += 1
    return _verbatim(lines[at + 1 : end], len(opening.group(1))), end + 1


def _indented(lines: Sequence[str], at: int, _room: Room) -> Found:
    if not lines[at].startswith("    "):
        return None
    end = at
    while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
        end += 1
    code = list(lines[at:end])
    while code and not code[-1].strip():
        code.pop()
    return _verbatim(code, 4), end


def _verbatim(lines: Sequence[str], indent: int) -> list[Row]:
    """Code as it was written, two cells in."""
    kept = [line[indent:] if not line[:indent].strip() else line for line in lines]
    return [(Span(f"  {line.rstrip()}", "string"),) if line.strip() else () for line in kept]


def _heading(lines: Sequence[str], at: int, room: Room) -> Found:
    found = _HEADING.match(lines[at])
    if found is not None and found.group(2):
        return filled(inline(found.group(2), "strong"), room.width), at + 1
    below = lines[at + 1] if at + 1 < len(lines) else ""
    if _UNDERLINE.match(below) and not _ITEM.match(lines[at]) and "|" not in lines[at]:
        return filled(inline(lines[at].strip(), "strong"), room.width), at + 2
    return None


def _rule(lines: Sequence[str], at: int, room: Room) -> Found:
    return ([(Span("─" * room.width, "dim"),)], at + 1) if _RULE.match(lines[at].strip()) else None


def _quote(lines: Sequence[str], at: int, room: Room) -> Found:
    end, inner = at, []
    while end < len(lines) and lines[end].lstrip().startswith(">"):
        inner.append(re.sub(r"^\s*> ?", "", lines[end]))
        end += 1
    if not inner:
        return None
    return [(Span("▌ ", "dim"), *r) for r in _joined(inner, Room(max(8, room.width - 2), room.level))], end


def _list(lines: Sequence[str], at: int, room: Room) -> Found:
    """Items of one list, with what is indented below each."""
    first = _ITEM.match(lines[at])
    if first is None:
        return None
    rows: list[Row] = []
    loose = False
    while at < len(lines):
        item = _ITEM.match(lines[at])
        if item is None or len(item.group(1)) != len(first.group(1)):
            break
        indent = item.start(3)
        inner, end = [item.group(3)], at + 1
        while end < len(lines) and _continues(lines, end, len(item.group(1)), indent):
            line = lines[end]
            inner.append(line[indent:] if not line[:indent].strip() else line.strip())
            end += 1
        blank = False
        while inner and not inner[-1].strip():
            inner.pop()
            blank = True
        mark = item.group(2) if item.group(2)[0].isdigit() else BULLETS[min(room.level, len(BULLETS) - 1)]
        size = len(mark) + 1
        body = _joined(inner, Room(max(8, room.width - size), room.level + 1))
        if rows and (loose or len(_split(inner)) > 1):
            rows.append(())
        for k, r in enumerate(body or [()]):
            rows.append((Span(f"{mark} " if k == 0 else " " * size, "dim"), *r) if r or k == 0 else ())
        loose, at = blank, end
    return rows, at


def _split(lines: Sequence[str]) -> list[str]:
    return [part for part in re.split(r"\n\s*\n", "\n".join(lines)) if part.strip()]


def _continues(lines: Sequence[str], at: int, outer: int, inner: int) -> bool:
    """Does a line belong to the item above it?"""
    line = lines[at]
    if not line.strip():
        later = next((text for text in lines[at + 1 :] if text.strip()), "")
        item = _ITEM.match(later)
        same = item is not None and len(item.group(1)) == outer
        return same or later.startswith(" " * inner)
    depth = len(line) - len(line.lstrip())
    if depth >= inner:
        return True
    before = lines[at - 1].strip()
    return bool(before) and not _ends_paragraph(lines, at) and not _ITEM.match(line)


def _joined(lines: Sequence[str], room: Room) -> list[Row]:
    """The blocks of an item or a quote; a list follows its sentence without a gap."""
    rows: list[Row] = []
    start = 0
    for i, line in enumerate(lines):
        if i and _ITEM.match(line) and lines[i - 1].strip() and not _ITEM.match(lines[start]):
            head = list(_blocks(lines[:i], room))
            return [r for block in _gaps(head) for r in block] + _joined(lines[i:], room)
    for block in _gaps(list(_blocks(lines, room))):
        rows += block
    return rows


def _gaps(blocks: Sequence[list[Row]]) -> list[list[Row]]:
    return [block if k == 0 else [(), *block] for k, block in enumerate(blocks)]


def _paragraph(lines: Sequence[str], width: int) -> list[Row]:
    """Lines as one text; a line that ends with two spaces or a backslash ends a row."""
    rows: list[Row] = []
    run: list[str] = []
    for line in lines:
        run.append(line.strip().removesuffix("\\") if line.endswith("\\") else line.strip())
        if line.endswith(("  ", "\\")):
            rows += filled(inline(" ".join(run)), width)
            run = []
    return rows + (filled(inline(" ".join(run)), width) if run else [])


# ------------------------------------------------------------------------- tables


def _cells(line: str) -> list[str]:
    text = line.strip().removeprefix("|")
    text = text[:-1] if text.endswith("|") and not text.endswith("\\|") else text
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", text)]


def _table(lines: Sequence[str], at: int, room: Room) -> Found:
    """A pipe table: columns side by side, cells wrapped where the whole is too wide."""
    if "|" not in lines[at] or at + 1 >= len(lines) or not _SEPARATOR.match(lines[at + 1].strip()):
        return None
    if "|" not in lines[at + 1] and "-" not in lines[at + 1]:
        return None
    end = at + 2
    while end < len(lines) and "|" in lines[end]:
        end += 1
    table = [_cells(line) for line in (lines[at], *lines[at + 2 : end])]
    count = max(map(len, table))
    content = [
        [inline(cell, "strong" if r == 0 else "") for cell in (*cells, *[""] * (count - len(cells)))]
        for r, cells in enumerate(table)
    ]
    sizes = [max(width_of(cells[c]) for cells in content) for c in range(count)]
    while sum(sizes) + 2 * (count - 1) > room.width and max(sizes) > NARROWEST:
        sizes[sizes.index(max(sizes))] -= 1
    if sum(sizes) + 2 * (count - 1) > room.width:  # too many columns to stand side by side
        return [r for line in lines[at:end] for r in filled(inline(line), room.width)], end
    rows: list[Row] = []
    for r, cells in enumerate(content):
        parts = [filled(cell, size) for cell, size in zip(cells, sizes)]
        for k in range(max(map(len, parts))):
            rows.append(_beside([part[k] if k < len(part) else () for part in parts], sizes))
        if r == 0:
            rows.append((Span("  ".join("─" * size for size in sizes), "dim"),))
    return rows, end


def _beside(parts: Sequence[Row], sizes: Sequence[int]) -> Row:
    spans: list[Span] = []
    for c, (part, size) in enumerate(zip(parts, sizes)):
        spans += part
        if c < len(parts) - 1:
            spans.append(Span(" " * (size - width_of(part) + 2)))
    return tuple(spans)
