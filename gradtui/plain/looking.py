"""Commands that tell something and move nothing."""

from __future__ import annotations

from gradtui.plain import accounts, words
from gradtui.plain.desk import Desk
from gradtui.plain.position import Refused
from gradtui.trace import Pass
from gradtui.trace.names import call, symbol
from gradtui.views import source as source_view
from gradtui.views.gone import why
from gradtui.views.leaves import leaves_of, rows_of_line
from gradtui.views.rows import text_of
from gradtui.views.state import State
from gradtui.wire.messages import Node

LINES = 5
"""Source lines above and below the line that is meant."""


def where(desk: Desk, _: str) -> None:
    """Where am I: position, why stopped, the step, the selection, findings."""
    state = desk.position.state
    knobs = f" with {state.knobs}" if state.knobs else ""
    desk.say(f"{state.title}{knobs}: {words.where(state)}")
    if state.shown_pass is None:
        return
    desk.show()
    node = state.selected_node
    if node is not None and node.id != state.node_here:
        desk.say(f"selected: {words.node(state, state.shown_pass, node)}")
    if desk.trace.findings:
        desk.say(f"{words.count(len(desk.trace.findings), 'finding')} so far: type findings")


def _shown(desk: Desk) -> Pass:
    shown = desk.position.state.shown_pass
    if shown is None:
        raise Refused(why(desk.position.state))
    return shown


def _range(text: str, total: int, around: int, command: str) -> tuple[int, int]:
    span = words.chosen(text, total, around)
    if span is None:
        raise Refused(f"'{text}' is no range: {command}, {command} all or {command} 5-20")
    return span


# ------------------------------------------------------------------------ the graph


def graph(desk: Desk, text: str) -> None:
    """The nodes of the pass, from the root down; a branch is set in."""
    shown, tree, state = _shown(desk), desk.position.tree, desk.position.state
    rows = [at for at in range(len(tree)) if not tree.refers[at]]
    here = tree.first_row.get(state.selected or 0, 0)
    around = next((i for i, at in enumerate(rows, 1) if at >= here), 1)
    span = _range(text, len(rows), around, "graph")
    desk.say(f"pass {shown.number}: {words.count(len(rows), 'node')} from {call(shown.root)} down")
    desk.say_all(
        " " * len(tree.guides(at, 8)) + words.node(state, shown, shown.nodes[tree.node[at]])
        for at in rows[span[0] - 1 : span[1]]
    )
    desk.say_all(words.not_all(span, len(rows), "nodes", "graph"))


def show_node(desk: Desk, text: str) -> None:
    """One node: value, operands, received, ledger. It becomes the selected one."""
    node = desk.position.node(text)
    desk.position.select(node.id)
    describe(desk, node)
    desk.say_all(accounts.ledger(desk.position.state, _shown(desk), node))


def describe(desk: Desk, node: Node) -> None:
    """The line of a node, and the line of source that made it."""
    desk.say(words.node(desk.position.state, _shown(desk), node))
    made = desk.trace.source_of(node)
    if made:
        text = desk.trace.text_of(desk.trace.line_of(node.stack))
        desk.say(f"  made at {made}" + (f": {text}" if text else ""))


def ledger(desk: Desk, text: str) -> None:
    """The ledger of a node; without a name, of the nodes that this step sent to."""
    state, shown = desk.position.state, _shown(desk)
    step = state.step
    nodes = [desk.position.node(text)]
    if not text and step is not None and step.node.id == state.selected:
        sent = [shown.nodes[s.to] for s in step.sent if s is not None and s.to in shown.nodes]
        nodes = list({node.id: node for node in sent}.values()) or nodes
    for node in nodes:
        desk.say_all(accounts.ledger(state, shown, node))


def leaves(desk: Desk, text: str) -> None:
    """What each leaf's gradient was before the pass, what was added, what it is now."""
    if desk.position.state.gone:
        desk.say_all(text_of(rows_of_line(desk.position.state, desk.width)).splitlines())
        return
    shown = _shown(desk)
    nodes = leaves_of(shown)
    span = _range(text, len(nodes), 1, "leaves")
    desk.say_all(words.leaf(desk.position.state, shown, node) for node in nodes[span[0] - 1 : span[1]])
    desk.say_all(words.not_all(span, len(nodes), "leaves", "leaves"))


def torch(desk: Desk, text: str) -> None:
    """Torch's chain from the root down to a node."""
    state = desk.position.about(desk.position.node(text))
    desk.say_all(accounts.torch(state, _shown(desk)))


# ------------------------------------------------------------------------- the text


def source(desk: Desk, text: str) -> None:
    """The source around the line that made the node; `>` stands before it."""
    state = desk.position.state
    if state.shown_pass is not None:
        state = desk.position.about(desk.position.node(text))
    elif text:
        raise Refused("there is no backward pass yet")
    view = source_view.view_of(state)
    if not view.line:
        desk.say(text_of(view.rows))
        return
    desk.say(_what(state, view.title))
    start = max(0, view.line - 1 - LINES)
    for number, line in enumerate(text_of(view.rows[start : view.line + LINES]).splitlines(), start + 1):
        mark = ">" if number == view.line else "!" if line.startswith("✗") else " "
        desk.say(f"{mark}{line[1:]}".rstrip())


def _what(state: State, title: str) -> str:
    node = state.selected_node
    if node is None or "(where" in title:
        return title
    return f"{title} made {symbol(node)}"


def lesson(desk: Desk, _: str) -> None:
    """The program's docstring."""
    text = desk.position.state.lesson
    if not text:
        raise Refused("this program has no docstring")
    desk.say_all(text.splitlines())


def hint(desk: Desk, _: str) -> None:
    """The program's own words for this position."""
    state = desk.position.state
    if state.hint is None:
        here = state.cursor.number, state.cursor.step
        later = [at for at in sorted(state.hints) if at > here]
        raise Refused("no hint here" + (f"; the next is at {later[0][0]}:{later[0][1]}" if later else ""))
    desk.say(f"hint: {' '.join(state.hint.split())}")


# --------------------------------------------------------------------- the whole run


def output(desk: Desk, text: str) -> None:
    """What the program printed."""
    log = desk.trace.output
    span = _range(text, len(log.lines), len(log.lines), "output")
    lines = list(log.lines)[span[0] - 1 : span[1]]
    desk.say_all(("| " if stream == "stdout" else "stderr | ") + line for stream, line in lines)
    if not lines:
        desk.say("nothing was printed" if desk.trace.exited is not None else "nothing printed yet")
    desk.say_all(words.not_all(span, len(log.lines), "lines", "output"))


def findings(desk: Desk, _: str) -> None:
    """All findings so far."""
    for reason, nodes in desk.trace.unchecked.items():
        desk.say(f"{words.count(nodes, 'node')} not compared with torch: {reason}")
    for found in desk.trace.findings:
        desk.say_all(words.finding(found))
    if not desk.trace.findings:
        desk.say("no findings" if desk.trace.exited is not None else "no findings so far")


def notices(desk: Desk, _: str) -> None:
    """All notices so far."""
    desk.say_all(f"notice: {notice.message}" for notice in desk.trace.notices)
    if not desk.trace.notices:
        desk.say("no notices" if desk.trace.exited is not None else "no notices so far")


def passes(desk: Desk, text: str) -> None:
    """One line a pass, with the value that it started from: the loss, in training."""
    lines = desk.trace.lines
    total = len(lines.numbers)
    if not total:
        raise Refused("there is no backward pass yet")
    here = lines.row(desk.position.state.cursor.number)
    span = _range(text, total, 1 if here is None else here + 1, "passes")
    desk.say_all(_pass(desk, row) for row in range(span[0] - 1, span[1]))
    desk.say_all(words.not_all(span, total, "passes", "passes"))


def _pass(desk: Desk, row: int) -> str:
    trace, lines = desk.trace, desk.trace.lines
    number = lines.numbers[row]
    shown = trace.pass_numbered(number)
    if shown is not None:
        value = "" if shown.root.value is None else f" = {words.told(shown.root.value)}"
        steps = words.count(len(shown.messages), "step") + ("" if shown.ended is not None else " so far")
        parts = [shown.engine, words.count(len(shown.nodes), "node"), steps]
    else:
        value = f" = {words.told(lines.losses[row])}" if lines.known[row] else ""
        parts = [words.count(lines.steps[row], "step"), "let go"]
    parts.insert(0, f"pass {number}: from {call(lines.root(row) if shown is None else shown.root)}{value}")
    found = sum(finding.pass_number == number for finding in trace.findings)
    if found:
        parts.append(words.count(found, "finding"))
    if number == desk.position.state.cursor.number:
        parts.append("you are here")
    return ", ".join(parts)
