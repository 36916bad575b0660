"""The neighbourhood of the selected node, drawn: who sends to it, the node in a box, where it sends.

Gradients go from left to right (in a narrow pane from top to bottom), one row an edge, with what was
sent along it up to the cursor; a broken line is an edge along which nothing has come yet. Where there
is room, one hop more on both sides. Of many edges those around the newest contribution are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from gradtui.trace import Pass
from gradtui.views.amounts import within
from gradtui.views.gone import missing
from gradtui.views.graph import AGAIN, state_of
from gradtui.views.neighbours import START, Side, add_hops, senders, targets
from gradtui.views.rows import Role, Row, Span, fit, fit_path, right, row, width_of
from gradtui.views.state import State
from gradtui.wire.messages import Node

NARROW, NARROWEST, TALL = 80, 60, 8
"""Below the first width the neighbours stand above and below the box, where there are so many rows; below
the second, always."""
WIDE = 112
"""From this width on there is room for two hops."""
READABLE = 16
"""Cells that a column needs."""


def rows_of(state: State, width: int, height: int) -> list[Row]:
    """The drawing, in at most `height` rows."""
    shown, node = state.shown_pass, state.selected_node
    if shown is None:
        return missing(state, width)
    if node is None:
        return [row(("No node is selected.", "dim"))]
    drawing = _Drawing(state, shown, node, width)
    below = width < NARROWEST or (width < NARROW and height >= TALL)
    rows = drawing.down(max(1, height)) if below else drawing.across(max(1, height))
    return rows[: max(1, height)]


def called(node: Node) -> str:
    """A node in the drawing: its name, or its number and op."""
    return node.name or f"#{node.id} {node.op}".rstrip()


def fitted(spans: Row, width: int) -> Row:
    """A row in exactly `width` cells."""
    out: list[Span] = []
    left = width
    for span in spans:
        text = span.text if cell_len(span.text) <= left else fit(span.text, left)
        left -= cell_len(text)
        if text:
            out.append(Span(text, span.role))
    return (*out, Span(" " * left)) if left > 0 else tuple(out)


def shares(wanted: Sequence[int], room: int) -> list[int]:
    """Widths of columns: as wanted where all fit, else the widest are cut to one size."""
    for size in range(max(wanted, default=0), 0, -1):
        cut = [min(w, size) for w in wanted]
        if sum(cut) <= room:
            return cut
    return [min(w, 1) for w in wanted]


def _more(count: int, word: str) -> Row:
    return row((f"… {count:,} {word}", "dim"))


class _Drawing:
    """One drawing: what its parts have in common."""

    def __init__(self, state: State, shown: Pass, node: Node, width: int) -> None:
        self.state, self.shown, self.node, self.width = state, shown, node, width
        self.number = 9 if width < 100 else 12
        """Cells for the number on an edge."""
        self.reach = self.number + 5
        """Cells of an arrow."""
        self.role: Role = "now" if state_of(state, node.id)[0] == "▶" else "dim"
        """Of the box's border."""

    # ------------------------------------------------------------------ its parts

    def named(self, number: int, width: int, again: bool = False) -> Row:
        """`✓ x1*w1` in exactly `width` cells."""
        if number == START:
            return fitted(row(("start", "dim")), width)
        mark, role = state_of(self.state, number)
        tail = f" {AGAIN}" if again else ""
        text = called(self.shown.nodes[number])
        name = fit_path(text, max(1, min(cell_len(text), width - 2 - len(tail)))) + tail
        plain: Role = role if mark in "▶›" else "" if mark == "✓" else "dim"
        return fitted(row((f"{mark} ", role), (name, plain)), width)

    def wanted(self, numbers: Sequence[int]) -> int:
        """Cells that the names of these nodes would take."""
        nodes = self.shown.nodes
        return max((cell_len(called(nodes[n])) + 4 if n != START else 7 for n in numbers), default=0)

    def text(self, width: int, flat: bool = False) -> list[Row]:
        """What stands in the box: name, op, value, what it received, a leaf's account."""
        state, shown, node = self.state, self.shown, self.node
        mark, role = state_of(state, node.id)
        name = called(node) if node.name else f"#{node.id}"
        rows = [
            row(
                (f"{mark} ", role),
                (fit_path(name, min(width - 2, cell_len(name))), role if mark == "▶" else "name"),
            ),
            row((node.op or ("leaf" if node.leaf else "?"), "op")),
        ]
        if node.value is not None:
            rows.append(row(("value ", "dim"), within(node.value, width - 6)))
            if flat and sum(map(width_of, rows[1:])) + 2 <= width:
                rows[1:] = [(*rows[1], Span("  "), *rows[2])]
        received = state.received_at(node.id)
        if received:
            text = ", ".join(within(v, width - 9) for v in received)
            rows.append(row(("received ", "dim"), (text, "now" if mark == "▶" else "number")))
        elif node.id not in shown.began.roots:
            arrived = len(shown.ledger(node.id, state.cursor.step))
            rows.append(row((f"waits: {arrived} of {len(shown.users.get(node.id, []))} arrived", "dim")))
        if node.leaf and shown.began.kind != "grad":
            leaf = shown.leaf_at(node, state.cursor.step)
            part = (width - 9) // 2
            if leaf.before is not None or leaf.after is not None:
                before, after = within(leaf.before, part), within(leaf.after, part)
                rows.append(row((".grad ", "dim"), before, (" → ", "dim"), (after, "strong")))
        return rows

    def box(self, rows: Sequence[Row], size: int, tall: int) -> list[Row]:
        """The box: `size` cells within, `tall` rows within, the text in the middle of them."""
        filled: list[Row] = [()] * ((tall - len(rows)) // 2) + list(rows[:tall])
        filled += [()] * (tall - len(filled))
        out: list[Row] = [row(("╭" + "─" * (size + 2) + "╮", self.role))]
        for inner in filled:
            out.append((Span("│ ", self.role), *fitted(inner, size), Span(" │", self.role)))
        return [*out, row(("╰" + "─" * (size + 2) + "╯", self.role))]

    # ----------------------------------------------------------- from left to right

    def across(self, height: int) -> list[Row]:
        """Senders, box and targets beside each other, the neighbours in the middle of the box's height."""
        state, shown, node = self.state, self.shown, self.node
        room = max(1, height - 3)  # a title, and the box's upper and lower border
        left, behind = senders(state, shown, node.id, room), targets(state, shown, node.id, room)
        if self.width >= WIDE:
            add_hops(state, shown, left, room, up=True)
            add_hops(state, shown, behind, room, up=False)
        for side in (left, behind):  # rather one hop that can be read than two that cannot
            if self._cramped(left, behind):
                side.hops.clear()
        far, near, wide, other, last = self._widths(left, behind)
        one, two = self._left(left, far, near), self._right(behind, other, last)
        text = self.text(wide)
        tall = min(room, max(len(one), len(two), len(text)))
        margin = max([width_of(r) for r in one], default=0)
        rows = []
        if one or two:
            indent = far + self.reach + 2 if left.hops else 0
            title = fit(" " * indent + ("sent by" if one else ""), margin + wide + 4)
            rows.append(row((title + (" " * (self.reach + 1) + "sends to" if two else ""), "dim")))
        up, down = 1 + (tall - len(one)) // 2, 1 + (tall - len(two)) // 2
        for i, line in enumerate(self.box(text, wide, tall)):
            before = one[i - up] if 0 <= i - up < len(one) else ()
            after = two[i - down] if 0 <= i - down < len(two) else ()
            rows.append((*fitted(before, margin), *line, *after))
        return rows

    def _wanted(self, left: Side, behind: Side) -> list[int]:
        """Cells that the far senders, the senders, the box, the targets and the far ones would take."""
        far = [e.sender for hop in left.hops.values() for e in hop.edges]
        last = [e.to for hop in behind.hops.values() for e in hop.edges]
        box = min(34, max(14, max(width_of(r) for r in self.text(34))))
        near, other = [e.sender for e in left.edges], [e.to for e in behind.edges]
        return [self.wanted(far), self.wanted(near), box, self.wanted(other), self.wanted(last)]

    def _widths(self, left: Side, behind: Side) -> list[int]:
        """The cells that they get."""
        columns = self._wanted(left, behind)
        arrows = sum(1 for i in (0, 1, 3, 4) if columns[i])
        return shares(columns, self.width - 4 - arrows * (self.reach + 2))

    def _cramped(self, left: Side, behind: Side) -> bool:
        """Do the second hops make any column narrower than can be read?"""
        pairs = zip(self._wanted(left, behind), self._widths(left, behind))
        return bool(left.hops or behind.hops) and any(got < min(wish, READABLE) for wish, got in pairs)

    def _left(self, side: Side, far: int, near: int) -> list[Row]:
        """The senders' rows, right up to the box."""
        pad = Span(" " * (far + self.reach + 2 if side.hops else 0))
        rows: list[Row] = [(pad, *_more(side.before, "earlier"))] if side.before else []
        seen: set[int] = set()
        for i, edge in enumerate(side.edges):
            name = self.named(edge.sender, near, edge.sender in seen)
            seen.add(edge.sender)
            own: Row = (*name, Span(" "), *edge.arrow(self.number))
            hop = side.hops.get(i)
            lines = self._further(hop, far) if hop is not None else [(pad,)]
            rows += [(*line, *own) if k == 0 else line for k, line in enumerate(lines)]
        return [*rows, (pad, *_more(side.behind, "more"))] if side.behind else rows

    def _further(self, hop: Side, far: int) -> list[Row]:
        """Second hops on the left: who sends to a sender."""
        rows: list[Row] = [_more(hop.before, "earlier")] if hop.before else []
        last = len(hop.edges) - 1
        for k, edge in enumerate(hop.edges):
            meets = ("┬▶" if last else "▶ ") if not rows else "┘ " if k == last else "┤ "
            rows.append((*self.named(edge.sender, far), Span(" "), *edge.arrow(self.number, meets)))
        if hop.behind:
            rows.append(_more(hop.behind, "more"))
        return rows

    def _right(self, side: Side, near: int, far: int) -> list[Row]:
        """The targets' rows, from the box on."""
        rows: list[Row] = [_more(side.before, "earlier")] if side.before else []
        pad = Span(" " * (self.reach + 2 + near))
        seen: set[int] = set()
        for i, edge in enumerate(side.edges):
            name = self.named(edge.to, near, edge.to in seen)
            seen.add(edge.to)
            own: Row = (*edge.arrow(self.number), Span(" "), *name, Span(" "))
            hop = side.hops.get(i)
            lines: list[Row] = [()]
            if hop is not None:
                count = len(hop.edges)
                tails = [""] if count == 1 else ["┬", *["├"] * (count - 2), "└"]
                lines = [
                    (*e.arrow(self.number, tail=tail), Span(" "), *self.named(e.to, far))
                    for e, tail in zip(hop.edges, tails)
                ]
                if hop.behind:
                    lines.append(_more(hop.behind, "more"))
            rows += [(*(own if k == 0 else (pad,)), *line) for k, line in enumerate(lines)]
        return [*rows, _more(side.behind, "more")] if side.behind else rows

    # ----------------------------------------------------------- from top to bottom

    def down(self, height: int) -> list[Row]:
        """Senders above the box, targets below it, each with its number, along a rail at the right."""
        size = max(8, min(self.width - 4, 44))
        text = self.text(size, flat=True)
        room = max(2, height - len(text) - 3)
        after = targets(self.state, self.shown, self.node.id, max(1, room // 2))
        above = senders(self.state, self.shown, self.node.id, max(1, room - len(after)))
        after = targets(self.state, self.shown, self.node.id, max(1, room - len(above)))
        rows = self._railed(above, size + 1, up=True)
        if above.edges:
            rows.append(row(" " * (size + 1), ("▼", above.edges[-1].role)))
        return [*rows, *self.box(text, size, len(text)), *self._railed(after, size + 1, up=False)]

    def _railed(self, side: Side, rail: int, up: bool) -> list[Row]:
        """`✓ x1*w1    0.5 ──┤`, the rail in the cell `rail`."""
        stub = " ──" if up else " ◀─"
        size = max(4, rail - self.number - 1 - len(stub))
        rows: list[Row] = []
        if side.before:
            rows.append((*fitted(_more(side.before, "earlier"), rail), Span(" " if up else "│", "dim")))
        seen: set[int] = set()
        for k, edge in enumerate(side.edges):
            other = edge.sender if up else edge.to
            end = k == (0 if up else len(side.edges) - 1)
            meets = ("┐" if up else "┘") if end else "┤"
            line = (stub if edge.drawn else stub.replace("─", "╌")) + meets
            number = Span(right(edge.number(self.number), self.number + 1), edge.role)
            rows.append((*self.named(other, size, other in seen), number, Span(line, edge.role)))
            seen.add(other)
        if side.behind:
            rows.append((*fitted(_more(side.behind, "more"), rail), Span("│" if up else " ", "dim")))
        return rows
