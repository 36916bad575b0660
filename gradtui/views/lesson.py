"""The lesson pane: the hint for this step, then the scenario's docstring."""

from __future__ import annotations

from inspect import cleandoc

from gradtui.views import markdown
from gradtui.views.prose import filled, inline
from gradtui.views.rows import Row, Span, row

MARK = "➤ at this step: "


def rows_of(lesson: str, hint: str | None, width: int) -> list[Row]:
    """The hint first, where there is one; then the title (the docstring's first line), then the text."""
    rows: list[Row] = []
    if hint and hint.strip():
        spans = (Span(MARK, "now"), *inline(" ".join(hint.split()), "now"))
        rows += [*filled(spans, max(8, width), "  "), ()]
    title, text = parted(lesson)
    if title:
        rows += filled(inline(title, "strong"), max(8, width))
    body = markdown.rows_of(text, width)
    if title and body:
        rows.append(())
    rows += body
    if not title and not body:
        rows.append(row(("This program has no lesson: a docstring at its top would stand here.", "dim")))
    return rows


def parted(lesson: str) -> tuple[str, str]:
    """The title and the text: a first line with a blank line behind it is the title."""
    lines = cleandoc(lesson).split("\n")
    first = lines[0].strip()
    marked = first.lstrip("#").strip() if first.startswith("# ") else first
    alone = len(lines) == 1 or not lines[1].strip() or first.startswith("# ")
    if alone and not first.startswith(("- ", "* ", "+ ", ">", "```", "~~~", "|")):
        return marked, "\n".join(lines[1:])
    if len(lines) > 1 and set(lines[1].strip()) in ({"="}, {"-"}) and len(lines[1].strip()) > 2:
        return first, "\n".join(lines[2:])
    return "", lesson
