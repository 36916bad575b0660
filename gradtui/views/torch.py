"""The torch pane: the `grad_fn` chain from the root down to the selected node, with torch's values.

For a scalar program torch's values are the twin's and ours stand beside them; for a torch program
the chain is the subject, with what torch saved for the node.
"""

from __future__ import annotations

from gradtui.trace import Pass
from gradtui.trace.model import twin_of
from gradtui.trace.names import symbol
from gradtui.trace.numbers import digits, short, within
from gradtui.views.rows import Row, Span, fit, fit_path, right, row, wrapped
from gradtui.views.state import State
from gradtui.views.tree import GAP
from gradtui.wire.messages import Node, Stepped, Twin


def rows_of(state: State, width: int) -> list[Row]:
    """The torch pane."""
    shown = state.shown_pass
    if shown is None or state.selected_node is None:
        return []
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
    name = max(8, width - 5 - 13 * 3 - 12)
    head = fit("  node", name + 2)
    titles = "".join(" " + right(t, 12) for t in ("value", "torch grad", "our grad"))
    rows += [(), row((head + titles + "  agrees", "dim"))]
    for number in path:
        if number == GAP:
            rows.append(row(("  …", "dim")))
        else:
            rows.append(_compared(state, shown.nodes[number], twins[number], name))
    selected = twins.get(path[-1]) if path else None
    if selected is not None and selected.missing:
        rows.append(())
        rows += wrapped(row(("! ", "warn"), selected.missing), width, "  ")
    return rows


def _twin(state: State, shown: Pass, number: int) -> Twin | None:
    message, node = _message(state, shown, number), shown.nodes[number]
    return node.twin if message is None else twin_of(node, message)


def _compared(state: State, node: Node, twin: Twin | None, name: int) -> Row:
    mark = _mark(state, node)
    label = Span(fit_path(symbol(node), name), "name")
    if twin is None or twin.op is None:
        return mark, label, Span(f"  {twin.missing if twin is not None else ''}", "dim")
    received = state.received_at(node.id)
    ours = received[0] if received else None
    theirs = "·" if twin.received is None else digits(twin.received)
    spans = [
        mark,
        label,
        Span(" " + right("" if twin.value is None else digits(twin.value), 12), "dim"),
        Span(" " + right(theirs, 12), "number"),
        Span(" " + right("·" if received is None else short(ours), 12), "strong" if received else "dim"),
    ]
    if isinstance(ours, float) and twin.received is not None:
        spans.append(agreement(ours, twin.received))
    return tuple(spans)


def agreement(ours: float, theirs: float) -> Span:
    """How two gradients compare: exact, equal up to rounding, or the difference."""
    if ours == theirs or (ours != ours and theirs != theirs):
        return Span("  = exact", "good")
    difference = ours - theirs
    if abs(difference) <= 1e-6 * max(abs(ours), abs(theirs)):
        return Span(f"  ≈ {difference:+.1e}", "good")
    return Span(f"  ≠ {difference:+.4g}", "bad")


# ------------------------------------------------------------------- torch program


def _torch(state: State, shown: Pass, width: int) -> list[Row]:
    path = state.path
    ops: list[str | None] = [shown.nodes[n].op if n != GAP else None for n in path]
    rows = _shortened(chain(shown, path, ops), width)
    name = max(8, (width - 4) * 2 // 5)
    rest = max(10, (width - 4 - name) // 2 - 1)
    rows += [(), row((fit("  node", name + 2) + right("value", rest) + " " + right("gradient", rest), "dim"))]
    for number in path:
        if number == GAP:
            rows.append(row(("  …", "dim")))
            continue
        node = shown.nodes[number]
        received = state.received_at(number)
        gradient = "·" if received is None else ", ".join(within(v, rest) for v in received)
        value = "" if node.value is None else within(node.value, rest)
        label = f"{node.op}  {node.name}" if node.name else node.op
        rows.append(
            (
                _mark(state, node),
                Span(fit(label, name), "name"),
                Span(right(value, rest), "dim"),
                Span(" " + right(gradient, rest), "number"),
            )
        )
    return rows + _saved(state, shown, width)


def _saved(state: State, shown: Pass, width: int) -> list[Row]:
    node = state.selected_node
    if node is None or node.leaf:
        return []
    message = _message(state, shown, node.id)
    if message is None:
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
