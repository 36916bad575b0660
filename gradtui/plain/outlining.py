"""The graph by module, told: how far each module is, what came to it, what its parameters were given."""

from __future__ import annotations

from collections.abc import Iterator

from gradtui.plain import words
from gradtui.plain.desk import Desk
from gradtui.plain.position import Refused
from gradtui.trace import Pass
from gradtui.trace.numbers import digits, magnitude
from gradtui.views.outline import Outline
from gradtui.views.state import State


def outline(desk: Desk, text: str) -> None:
    """The modules, or what stands below one of them."""
    state = desk.position.state
    shown = state.shown_pass
    if shown is None:
        raise Refused("there is no backward pass yet")
    tree = Outline(shown)
    tree.totals.catch_up()
    rows = [row for row in tree.visible if row in tree.headings]
    if text == "all":
        rows = sorted(tree.headings)
    elif text:
        at = _meant(tree, text)
        rows = [at, *tree.children(at)]
    top = min((tree.depth[row] for row in rows), default=0)
    desk.say_all("  " * (tree.depth[row] - top) + _told(state, shown, tree, row) for row in rows)
    if not text:
        desk.say("`outline all` tells every module, `outline MODULE` what stands below one")


def _meant(tree: Outline, text: str) -> int:
    """The row of a module, by its path or as it is called. Raises `Refused` where there is none."""
    for row, heading in tree.headings.items():
        if text in (heading.key, heading.label):
            return row
    some = ", ".join([h.key or h.label for h in tree.headings.values()][: words.NAMED])
    raise Refused(f"no module '{text}'; there are {some}")


def _told(state: State, shown: Pass, tree: Outline, row: int) -> str:
    heading = tree.headings.get(row)
    if heading is None:
        return words.node(state, shown, shown.nodes[tree.node[row]])
    return f"{heading.label}: " + ", ".join(_facts(state, shown, tree, row))


def _facts(state: State, shown: Pass, tree: Outline, row: int) -> Iterator[str]:
    heading, step, totals = tree.headings[row], state.cursor.step, tree.totals
    if heading.times:
        each = f" of {heading.period} modules" if heading.period > 1 else ""
        yield f"{heading.times} blocks{each} built alike"
    size, done = tree.nodes_in(row), totals.done(row, step)
    ran = "all ran" if done == size else "none ran" if not done else f"{done:,} ran"
    yield f"{words.count(size, 'node')}, {ran}"
    began = totals.began(row, step)
    received = shown.messages[began - 1].received if began is not None else ()
    norm = magnitude(received[0]) if received else None
    if norm is not None:
        yield f"received norm {digits(norm, 4)}"
    added = totals.added(row, step)
    if added is not None:
        yield f"added norm {digits(added, 4)} to its parameters"
    current = state.step
    at = -1 if current is None else tree.first_row.get(current.node.id, -1)
    if row < at < tree.end[row]:
        inner = tree.headings.get(tree.member_with(row, at))
        yield "the current step is in " + (inner.label if heading.times and inner is not None else "it")
