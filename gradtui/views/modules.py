"""One row of the graph by module: how far it is, what came to it, what its parameters were given.

A heading's *received* is what its first node ran with: the gradient of the module's output. Its *added* is
the norm over all that its parameters were given in this pass so far, as one vector. A node's are its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rich.cells import cell_len

from gradtui.trace import Pass
from gradtui.trace.numbers import magnitude
from gradtui.views.blocks import number_of
from gradtui.views.flow import bar, sized
from gradtui.views.graph import CURRENT, DONE, FAILED, MARKED, NEXT, WAITING, op_of, state_of, within_module
from gradtui.views.outline import Heading, Outline
from gradtui.views.rows import Role, Row, Span, fit, fit_path, right, width_of
from gradtui.views.state import State
from gradtui.views.whatif import MARK, is_replaced, replaced_nodes

PARTLY = "◐"
"""Some of its nodes have run."""
FOLDED, OPEN = "▸", "▾"
AMOUNT = 9
"""Cells of a glyph and a number."""
BOTH = 64
"""From this width on there is room for what was received, too."""
LEAST = 3
"""Bars of repeated blocks: so many at least, or none."""


@dataclass(frozen=True)
class Columns:
    """How wide each column is."""

    name: int
    """Cells for indent, fold mark, name and remarks."""
    nodes: int
    """Cells for how many nodes have run, or for an operation."""
    received: bool


def columns_of(width: int) -> Columns:
    """The columns for a width of the pane."""
    width -= 1  # the scrollbar stands beside it
    received = width >= BOTH
    nodes = 12 if width >= 60 else 9 if width >= 40 else 0
    amounts = (AMOUNT + 1) * (1 + received)
    return Columns(max(8, width - 2 - amounts - (nodes + 1 if nodes else 0)), nodes, received)


def head(width: int) -> Row:
    """The titles of the columns."""
    columns = columns_of(width)
    text = fit("  module", columns.name + 2)
    if columns.nodes:
        text += " " + right("nodes", columns.nodes)
    if columns.received:
        text += " " + right("received", AMOUNT)
    return (Span(text + " " + right("added", AMOUNT), "dim"),)


def row_of(state: State, outline: Outline, at: int, width: int) -> Row:
    """The row `at` in `width` cells: mark, indent, name, remarks | nodes | received | added."""
    shown = state.shown_pass
    assert shown is not None
    columns = columns_of(width)
    heading = outline.headings.get(at)
    if heading is None:
        return _node(state, shown, outline, at, columns)
    step, size = state.cursor.step, outline.nodes_in(at)
    done = outline.totals.done(at, step)
    mark, role = _mark(state, outline, at, done, size)
    name_role: Role = role if mark in MARKED else "name"
    count, most = _count(done, size, columns.nodes)
    spans = [Span(mark, role), Span(" ")]
    spans += _name(state, shown, outline, at, heading, name_role, columns.name + columns.nodes - most)
    if columns.nodes:
        spans.append(Span(" " + right(count, most), "dim"))
    if columns.received:
        spans += _amount(_received(state, shown, outline, at))
    return (*spans, *_amount(outline.totals.added(at, step)))


def _count(done: int, size: int, room: int) -> tuple[str, int]:
    """`24 of 832`, and how long it gets until all have run: what is left of the column is the name's."""
    most = len(f"{size:,} of {size:,}")
    if most <= room:
        return (f"{size:,}" if done == size else f"{done:,} of {size:,}"), most
    return (f"{size:,}" if done == size else f"{done}/{size}"), min(room, len(f"{size}/{size}"))


def _amount(norm: float | None) -> tuple[Span, ...]:
    return (Span(" "), *sized(norm, AMOUNT))


def _mark(state: State, outline: Outline, at: int, done: int, size: int) -> tuple[str, Role]:
    """A folded row that holds the cursor's node has its mark."""
    if outline.collapsed[at]:
        step, following = state.step, state.next_node
        if state.failed_node is not None and _holds(outline, at, state.failed_node):
            return FAILED, "bad"
        if step is not None and _holds(outline, at, step.node.id):
            return CURRENT, "now"
        if following is not None and _holds(outline, at, following):
            return NEXT, "next"
    if done == size:
        return DONE, "good"
    return (PARTLY, "good") if done else (WAITING, "dim")


def _holds(outline: Outline, at: int, node: int) -> bool:
    return at < outline.first_row.get(node, -1) < outline.end[at]


def _name(
    state: State, shown: Pass, outline: Outline, at: int, heading: Heading, role: Role, room: int
) -> list[Span]:
    """Indent, fold mark, name; then, as there is room, what the row is and where in it something is."""
    fold = FOLDED if outline.collapsed[at] else OPEN
    indent = "  " * min(outline.depth[at], 12)
    spans = [Span(indent + fold + " ", "dim")]
    left = room - len(indent) - 2
    name = fit_path(heading.label, min(left, len(heading.label)))
    spans.append(Span(name, role))
    left -= cell_len(name)
    remarks = _places(state, shown, outline, at, heading) if outline.collapsed[at] else []
    what = _what(state, heading)
    if heading.times and outline.collapsed[at]:
        bars = left - 2 - sum(2 + width_of(remark) for remark in remarks)
        if bars >= LEAST and outline.totals.began(at, state.cursor.step) is not None:
            remarks.append(_through(state, outline, at, bars))
    if what:
        remarks.append((Span(what, "dim"),))
    for remark in remarks:
        size = 2 + width_of(remark)
        if size <= left:
            spans += [Span("  "), *remark]
            left -= size
    return [*spans, Span(" " * max(0, left))]


def _what(state: State, heading: Heading) -> str:
    """The class of a module, `64 × Block` of blocks; '' where it is not known."""
    kind = state.trace.modules.get(heading.first or heading.key)
    if not heading.times or heading.repeats:
        return kind or ""
    each = f" × {heading.period}" if heading.period > 1 else ""
    return f"{heading.times} × {kind}" if kind and not each else f"{heading.times}{each} alike"


def _places(state: State, shown: Pass, outline: Outline, at: int, heading: Heading) -> list[Row]:
    """Of a folded row: which of the blocks the current step is in; where something was found."""
    places: list[Row] = []
    step = state.step
    if heading.times and step is not None and _holds(outline, at, step.node.id):
        places.append((Span(f"{CURRENT} {_block(outline, at, step.node.id)}", "now"),))
    if any(_holds(outline, at, node) for node in replaced_nodes(shown, state.cursor.step)):
        places.append((Span(MARK, "warn"),))
    found = _found(state, shown, outline, at)
    if found is not None:
        places.append((Span(f"⚠ {_block(outline, at, found)}" if heading.times else "⚠", "bad"),))
    return places


def _found(state: State, shown: Pass, outline: Outline, at: int) -> int | None:
    """A node below the row of which there is a finding."""
    for finding in state.trace.findings:
        if finding.pass_number == shown.number and _holds(outline, at, finding.node):
            return finding.node
    return None


def _block(outline: Outline, at: int, node: int) -> str:
    """The number of the block of a group that holds a node, as wide as the others' numbers."""
    heading, blocks = outline.headings[at], outline.children(at)
    place = blocks.index(outline.member_with(at, outline.first_row[node]))
    first, by = heading.times if heading.repeats else number_of(heading.first), -1 if heading.falls else 1
    return str(first + by * place).rjust(len(str(max(first, first + by * (len(blocks) - 1)))))


def _through(state: State, outline: Outline, at: int, most: int) -> Row:
    """A bar for what each block received, by number; of more than there are cells for, some share one.

    A cell is that of its first block, unless another is NaN or Inf.
    """
    received = outline.totals.through(at, state.cursor.step)
    count, cells = len(received), min(len(received), most)
    groups = [received[i * count // cells : (i + 1) * count // cells] for i in range(cells)]
    if outline.headings[at].falls:
        groups.reverse()
    return tuple([bar(next(filter(_is_bad, group), group[0])) for group in groups])


def _is_bad(norm: float | None) -> bool:
    return norm is not None and not math.isfinite(norm)


def _received(state: State, shown: Pass, outline: Outline, at: int) -> float | None:
    """The norm of what the first node below a row ran with."""
    began = outline.totals.began(at, state.cursor.step)
    received = shown.messages[began - 1].received if began is not None else ()
    return magnitude(received[0]) if received else None


def _node(state: State, shown: Pass, outline: Outline, at: int, columns: Columns) -> Row:
    node = shown.nodes[outline.node[at]]
    mark, role = state_of(state, node.id)
    indent = "  " * min(outline.depth[at], 12) + "  "
    room = max(4, columns.name - len(indent))
    name_role: Role = role if mark in MARKED else "" if node.name else "dim"
    name = within_module(node)
    spans = [Span(mark, role), Span(" " + indent), Span(fit(fit_path(name, room), room), name_role)]
    if columns.nodes:
        spans.append(Span(" " + fit(op_of(node, True), columns.nodes), "op"))
    if columns.received:
        received = state.received_at(node.id)
        amount = _amount(magnitude(received[0]) if received else None)
        if received and is_replaced(shown, node.id, state.cursor.step):
            amount = (Span(MARK, "warn"), *amount[1:])
        spans += amount
    ran = shown.ran_by(node.id, state.cursor.step)
    account = shown.messages[ran - 1].accumulated if ran is not None else None
    return (*spans, *_amount(magnitude(account.added) if account is not None else None))
