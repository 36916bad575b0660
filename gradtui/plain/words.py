"""What is said of a step, a node, a leaf, a finding: lines that each make sense on their own, read aloud.

No line needs a column, a colour or a mark: what the screen shows with `▶` or `⚠` is a word here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gradtui.trace import Finding, Pass, Trace
from gradtui.trace.names import symbol
from gradtui.trace.numbers import short
from gradtui.views import step as step_view
from gradtui.views.rows import row, text_of, wrapped
from gradtui.views.state import State
from gradtui.views.status import condition
from gradtui.wire.messages import Exited, Node, Value, Zeroed

_MARKS = {
    "! ": "note: ", "≠ ": "but ", "▮▮ ": "", "■ ": "", "◀ ": "", "▶ ": "", "… ": "",
}  # fmt: skip
"""Marks of the screen that a line begins with, and the words for them."""
_NORM = re.compile("‖([^‖]*)‖")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_GAP = re.compile(r"(?<=\S) {2,}")
NAMED = 6
"""Nodes listed by name of which more are meant."""
NEAR = 20
"""Lines of a list that are said when no range is given."""
UNBROKEN = 1_000_000
"""A width at which a view breaks no line."""


def count(n: int, one: str, many: str = "") -> str:
    """`1 pass`, `2 passes`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def told(value: Value | None) -> str:
    """A gradient in a few characters, a norm by that word."""
    return _NORM.sub(r"norm \1", short(value))


def spoken(line: str) -> str:
    """A line of a view, or a message, with words in the place of marks."""
    line = _GAP.sub(" ", _NORM.sub(r"norm \1", line))
    text = line.lstrip()
    margin = line[: len(line) - len(text)]
    for mark, word in _MARKS.items():
        if text.startswith(mark):
            return margin + word + text[len(mark) :]
    return line


def harmless(line: str) -> str:
    """A line without characters that would move the cursor or change colours: they are written out."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), line.expandtabs(8))


# ------------------------------------------------------------------ where and what


def where(state: State) -> str:
    """`pass 1, step 3 of 10, stopped after a step`."""
    shown = state.shown_pass
    how = spoken(text_of([condition(state)]))
    if state.gone:
        return f"pass {state.cursor.number}, let go, {how}"
    if shown is None:
        return f"before any backward pass, {how}"
    of = f" of {len(shown.messages)}" if shown.ended is not None or state.recording else ""
    return f"pass {shown.number}, step {state.cursor.step}{of}, {how}"


def step(state: State, width: int) -> Iterator[str]:
    """The step under the cursor, without its findings. Its first line says which node ran."""
    shown, ran = state.shown_pass, state.step
    rows = [r for r in step_view.rows_of(state, UNBROKEN) if r]
    known = next((i for i, r in enumerate(rows) if r[0].text.startswith("⚠ ")), len(rows))
    lines = text_of(rows[:known]).splitlines()
    first = lines[0] if ran is None else _ran(state, ran.node)
    at = f"pass {state.cursor.number}, step {state.cursor.step}: " if shown is not None else ""
    yield at + first
    for line in lines[1:]:
        yield from _broken(spoken(line), width)
    if shown is not None and state.failed_node is not None:
        yield f"failed: {called(shown.nodes[state.failed_node])}"
    elif shown is not None and state.next_node is not None:
        yield f"next: {called(shown.nodes[state.next_node])}"


def _broken(line: str, width: int) -> list[str]:
    return text_of(wrapped(row(line), width, "      ")).splitlines()


def _ran(state: State, which: Node) -> str:
    made = state.trace.source_of(which)
    value = "" if which.value is None else f" = {told(which.value)}"
    module = f", in module {which.module}" if which.module else ""
    return called(which) + value + (f", made at {made}" if made else "") + module


def called(which: Node) -> str:
    """`node 5, op *: x1*w1`; `node 7, leaf: x1`; `node 3, op AddBackward0` where it has no name."""
    what = "leaf" if which.leaf else f"op {which.op or 'unknown'}"
    return f"node {which.id}, {what}" + (f": {which.name}" if which.name else "")


def finding(found: Finding) -> Iterator[str]:
    """A finding, its place, its lines."""
    where = f"at pass {found.pass_number}, step {found.step}" if found.node else found.where
    yield f"finding: {found.kind} {where}: {spoken(found.message)}"
    yield from (f"  {what}: {line}" for what, line in found.lines)


def zeroed(trace: Trace, event: Zeroed) -> str:
    """Whose gradients the person has had zeroed."""
    shown = trace.pass_numbered(event.number)
    names = [symbol(shown.nodes[n]) for n in event.nodes if n in shown.nodes] if shown is not None else []
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"zeroed in the program: {', '.join(names[:NAMED]) or 'nothing, no gradient was held'}{more}"


def farewell(trace: Trace, exited: Exited) -> Iterator[str]:
    """How the program ended, and what was not checked."""
    for reason, nodes in trace.unchecked.items():
        yield f"{count(nodes, 'node')} not compared with torch: {reason}"
    counts = f"{count(exited.passes, 'pass', 'passes')}, {count(exited.steps, 'step')}, "
    counts += count(len(trace.findings), "finding") if trace.findings else "no findings"
    if exited.error:
        yield f"the program ended: {exited.error} (exit code {exited.code}): {counts}"
    elif exited.code:
        yield f"the program ended with exit code {exited.code}: {counts}"
    else:
        yield f"the program ran to its end: {counts}"


# ----------------------------------------------------------------------- one node


def node(state: State, shown: Pass, which: Node) -> str:
    """`node 4: x1*w1 = -6, op *, operands x1 and w1, ran in step 5, received 0.5`."""
    parts = [f"node {which.id}: {which.name or which.op or 'leaf'}"]
    if which.value is not None:
        parts[0] += f" = {told(which.value)}"
    if which.leaf:
        parts.append("leaf")
    elif which.name:
        parts.append(f"op {which.op or 'unknown'}")
    if which.module:
        parts.append(f"module {which.module}")
    inputs = [symbol(shown.nodes[i]) for i in which.inputs if i is not None and i in shown.nodes]
    if inputs:
        parts.append(f"operand{'s' if len(inputs) > 1 else ''} {' and '.join(inputs)}")
    return ", ".join([*parts, *_progress(state, shown, which)])


def _progress(state: State, shown: Pass, which: Node) -> Iterator[str]:
    """Has it run, and what did it receive."""
    ran = shown.ran_by(which.id, state.cursor.step)
    if ran is not None:
        yield f"ran in step {ran}" + (", the current step" if ran == state.cursor.step else "")
    else:
        failed, follows = state.failed_node == which.id, state.next_node == which.id
        yield "failed: an exception has ended it" if failed else "runs next" if follows else "waits"
    received = state.received_at(which.id)
    if received:
        yield f"received {', '.join(told(v) for v in received)}"


def leaf(state: State, shown: Pass, which: Node) -> str:
    """`x1 = 2: grad before 0, added -1.5, after -1.5`."""
    account = shown.leaf_at(which, state.cursor.step)
    value = f" = {told(which.value)}" if which.value is not None else ""
    added = "nothing yet" if account.added is None else told(account.added)
    return (
        f"{symbol(which)}{value}: grad before {told(account.before)}, added {added}, "
        f"after {told(account.after)}"
    )


# -------------------------------------------------------------------------- ranges


def chosen(text: str, total: int, around: int) -> tuple[int, int] | None:
    """Which of `total` lines are meant: `all`, `7`, `5-20`, or `NEAR` of them about the one at `around`.

    Counted from 1, both ends included. None where the text says something else.
    """
    if text == "all":
        return 1, total
    first, dash, last = text.partition("-")
    if text:
        if not first.strip().isdecimal() or (dash and not last.strip().isdecimal()):
            return None
        start = max(1, int(first))
        return start, min(total, int(last) if dash else start)
    start = max(1, min(around - NEAR // 2, total - NEAR + 1))
    return start, min(total, start + NEAR - 1)


def not_all(span: tuple[int, int], total: int, what: str, command: str) -> Sequence[str]:
    """What a list left out."""
    if span == (1, total):
        return ()
    more = f"`{command} all` or `{command} 1-{NEAR}` shows others"
    return (f"that was {what} {span[0]} to {span[1]} of {total:,}; {more}",)
