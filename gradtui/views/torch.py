"""The torch pane: the `grad_fn` chain from the root down to the selected node, with torch's values.

For a scalar program torch's values are the twin's and ours stand beside them; for a torch program
the chain is the subject, with what torch saved for the node.
"""

from __future__ import annotations

from gradtui.trace import Pass
from gradtui.trace.model import twin_of
from gradtui.trace.names import symbol
from gradtui.trace.numbers import digits, short
from gradtui.views.absent import light_rows, word
from gradtui.views.amounts import sent_so_far, within
from gradtui.views.rows import Row, Span, fit, fit_path, right, row, wrapped
from gradtui.views.state import State
from gradtui.views.tree import GAP
from gradtui.wire.messages import Node, Stepped, Twin, Value

NUMBER, WHOLE = 12, 28
"""Cells of a column of numbers: at least, and what the longest take."""


def rows_of(state: State, width: int) -> list[Row]:
    """The torch pane."""
    shown = state.shown_pass
    if shown is None or state.selected_node is None:
        return []
    if shown.light:
        return light_rows(width)
    return _scalar(state, shown, width) if shown.engine == "scalar" else _torch(state, shown, width)


def line_of_selected(rows: list[Row]) -> int:
    """The row of the selected node: the last one with a mark."""
    marked = [i for i, r in enumerate(rows) if r and r[0].text in ("▶ ", "▸ ")]
    return marked[-1] if marked else 0


def chain(shown: Pass, path: tuple[int, ...], ops: list[str | None]) -> Row:
    """`TanhBackward0 → AddBackward0 → AccumulateGrad(x1)`."""
    spans: list[Span] = []
    for i, (number, op) in enumerate(zip(path, ops)):
        last = i == len(path) - 1
        if i:
            spans.append(Span(" → ", "dim"))
        node = shown.nodes.get(number)
        text = op or "?"
        if node is None:
            text = "…"
        elif node.leaf:
            text = f"{text}({symbol(node)})"
        spans.append(Span(text, "op" if last else ""))
    return tuple(spans)


def sent_to(state: State) -> list[Node]:
    """The nodes that the step under the cursor sent to, where its node is the selected one."""
    shown, step = state.shown_pass, state.step
    if shown is None or step is None or step.node.id != state.selected:
        return []
    targets = dict.fromkeys(s.to for s in step.sent if s is not None)
    return [shown.nodes[t] for t in targets if t in shown.nodes and t not in state.path]


# ------------------------------------------------------------------ scalar program


def _scalar(state: State, shown: Pass, width: int) -> list[Row]:
    path = state.path
    twins = {number: _twin(state, shown, number) for number in path if number != GAP}
    first = next((t.missing for t in twins.values() if t is not None and t.op is None), None)
    if all(t is None for t in twins.values()):
        return [row(("No twin was asked for (--no-twin).", "dim"))]
    if all(t is None or t.op is None for t in twins.values()):
        return wrapped(row(("No torch here: ", "warn"), first or ""), width)
    found = [twins.get(number) for number in path]
    ops = [t.op if t is not None else None for t in found]
    rows = _shortened(chain(shown, path, ops), width)
    told = [shown.nodes[number] for number in path if number != GAP] + sent_to(state)
    name = max(8, min(width - 5 - 13 * 3 - 12, max(20, *[len(symbol(node)) for node in told])))
    head = fit("  node", name + 2)
    titles = "".join(" " + right(t, 12) for t in ("value", "torch grad", "our grad"))
    rows += [(), row((head + titles + "  agrees", "dim"))]
    for number in path:
        if number == GAP:
            rows.append(row(("  …", "dim")))
        else:
            rows.append(_compared(state, shown.nodes[number], twins[number], name))
    for node in sent_to(state):
        rows.append(_compared(state, node, _twin(state, shown, node.id), name))
    selected = twins.get(path[-1]) if path else None
    if selected is not None and selected.missing:
        rows.append(())
        rows += wrapped(row(("! ", "warn"), selected.missing), width, "  ")
    return rows


def _twin(state: State, shown: Pass, number: int) -> Twin | None:
    message, node = _message(state, shown, number), shown.nodes[number]
    return node.twin if message is None else twin_of(node, message)


def _compared(state: State, node: Node, twin: Twin | None, name: int) -> Row:
    """One node: torch's gradient beside ours. Of one that waits, ours is what it has been sent so far."""
    shown, mark = state.shown_pass, _mark(state, node)
    assert shown is not None
    absent = word(shown, state.cursor.step)
    label = fit_path(symbol(node), name)
    if twin is None or twin.op is None:
        return mark, Span(label, "name"), Span(f"  {twin.missing if twin is not None else ''}", "dim")
    received = state.received_at(node.id)
    waits, whole = received is None, True
    ours = received[0] if received else None
    if waits:
        ours, whole = _so_far(state, node)
    theirs = "·" if twin.received is None else digits(twin.received)
    spans = [
        mark,
        Span(label, "dim" if waits else "name"),
        Span(" " + right("" if twin.value is None else digits(twin.value), 12), "dim"),
        Span(" " + right(theirs, 12), "dim" if waits else "number"),
        Span(" " + right(absent if ours is None else short(ours), 12), "dim" if waits else "strong"),
    ]
    if isinstance(ours, float) and twin.received is not None:
        spans.append(agreement(ours, twin.received) if whole else Span("  so far", "dim"))
    return tuple(spans)


def _so_far(state: State, node: Node) -> tuple[Value | None, bool]:
    """What a waiting node has been sent, and whether all who send to it have run."""
    shown, step = state.shown_pass, state.cursor.step
    assert shown is not None
    sent = sent_so_far(shown, node.id, step)
    users = shown.users.get(node.id, [])
    return (None if sent is None else sent.total), all(shown.ran_by(u, step) is not None for u in users)


def agreement(ours: float, theirs: float) -> Span:
    """How two gradients compare: exact, equal up to rounding, or the difference."""
    if ours == theirs or (ours != ours and theirs != theirs):
        return Span("  = exact", "good")
    difference = ours - theirs
    if abs(difference) <= 1e-6 * max(abs(ours), abs(theirs)):
        return Span(f"  ≈ {_signed(difference, 2)}", "good")
    return Span(f"  ≠ {_signed(difference, 4)}", "bad")


def _signed(x: float, places: int) -> str:
    return ("+" if x > 0 else "") + digits(x, places)


# ------------------------------------------------------------------- torch program


def _torch(state: State, shown: Pass, width: int) -> list[Row]:
    path = state.path
    ops: list[str | None] = [shown.nodes[n].op if n != GAP else None for n in path]
    rows = _shortened(chain(shown, path, ops), width)
    told = [shown.nodes[number] for number in path if number != GAP] + sent_to(state)
    columns = _columns(shown, told, width)
    name, value, gradient = columns
    titles = f"{fit('  node', name + 2)} {right('value', value)} {right('gradient', gradient)}"
    rows += [(), row((titles, "dim"))]
    for number in path:
        if number == GAP:
            rows.append(row(("  …", "dim")))
        else:
            rows.append(_told(state, shown.nodes[number], *columns))
    rows += [_told(state, node, *columns) for node in sent_to(state)]
    return rows + _saved(state, shown, width)


def _columns(shown: Pass, told: list[Node], width: int) -> tuple[int, int, int]:
    """Cells for the names, the values and the gradients. Values take what they need: most nodes have none."""
    width -= 2 + 1 + 1 + 1  # the mark, a space before each number, the scrollbar
    name = max(8, min(max((len(_label(shown, node)) for node in told), default=8), width - 2 * NUMBER))
    most = max(NUMBER, min(WHOLE, (width - name) // 2))
    values = (len(within(node.value, most)) for node in told if node.value is not None)
    value = max(5, min(most, max(values, default=0)))
    return name, value, max(NUMBER, min(WHOLE, width - name - value))


def _label(shown: Pass, node: Node) -> str:
    return f"{node.op}  {shown.symbol(node)}"


def _labelled(shown: Pass, node: Node, width: int) -> str:
    """The op and the name; of what is too long, the name is shortened."""
    op = f"{node.op}  "
    return op + fit_path(shown.symbol(node), width - len(op)) if len(op) < width else fit(node.op, width)


def _told(state: State, node: Node, name: int, value: int, gradient: int) -> Row:
    """One node with its value and its gradient; of one that waits, pale, what it has been sent so far."""
    shown, received = state.shown_pass, state.received_at(node.id)
    assert shown is not None
    sent = sent_so_far(shown, node.id, state.cursor.step) if received is None else None
    absent = word(shown, state.cursor.step)
    came = ", ".join(within(v, gradient) for v in received) if received is not None else absent
    return (
        _mark(state, node),
        Span(_labelled(shown, node, name), "name" if received is not None else "dim"),
        Span(" " + right("" if node.value is None else within(node.value, value), value), "dim"),
        Span(
            " " + right(came if sent is None else sent.text(gradient), gradient),
            "number" if received is not None else "dim",
        ),
    )


def _saved(state: State, shown: Pass, width: int) -> list[Row]:
    node = state.selected_node
    if node is None or node.leaf:
        return []
    message = _message(state, shown, node.id)
    if message is None:
        if node.id == state.failed_node:
            return [(), row(("an exception ended it: what torch saved was not read", "dim"))]
        return [(), row(("what torch saved shows once the node has run", "dim"))]
    if not message.saved:
        return [(), row(("torch saved nothing for this node", "dim"))]
    rows: list[Row] = [(), row(("saved by torch for this node", "dim"))]
    for saved in message.saved:
        text = short(saved.value) if saved.value is not None else saved.note
        content = Span(fit(text, max(8, width - 18)).rstrip(), "number" if saved.value is not None else "dim")
        rows.append((Span(f"  {fit(saved.name, 14)} "), content))
    return rows


def _message(state: State, shown: Pass, node: int) -> Stepped | None:
    ran = shown.ran_by(node, state.cursor.step)
    return None if ran is None else shown.messages[ran - 1]


# -------------------------------------------------------------------------- shared


def _mark(state: State, node: Node) -> Span:
    step = state.step
    if step is not None and step.node.id == node.id:
        return Span("▶ ", "now")
    return Span("▸ ", "strong") if node.id == state.selected else Span("  ")


def _shortened(parts: Row, width: int) -> list[Row]:
    """The chain in at most three lines: of a long one, its beginning and its end."""
    rows = wrapped(parts, width, "  ")
    return rows if len(rows) <= 3 else [rows[0], row(("  … ", "dim")), rows[-1]]
