"""Where the program was stopped and why, in words; and moving over modules along the trace."""

from __future__ import annotations

from gradtui.trace.cursor import Cursor
from gradtui.trace.model import Pass
from gradtui.trace.names import call
from gradtui.trace.numbers import short
from gradtui.trace.trace import Trace
from gradtui.wire.messages import Hit, Stopped
from gradtui.wire.modules import inside, to_leave

_REASONS = {
    "entry": "stopped at the first pass",
    "step": "stopped after a step",
    "pass": "stopped at the start of a pass",
    "pass end": "stopped at the end of the pass",
    "pause": "paused",
    "there": "stopped where it was sent",
    "exception": "stopped at an exception",
}


def why(stopped: Stopped) -> str:
    """`breakpoint 2: module=fc1 norm>10 (held 3 times)`, or the reason in words."""
    if not stopped.hits:
        return _REASONS.get(stopped.reason, stopped.reason)
    told = []
    for hit in stopped.hits:
        if hit.error:
            told.append(f"breakpoint {hit.breakpoint}: {hit.text} raised {hit.error}; it is asked no more")
        else:
            times = f" (held {hit.count} times)" if hit.count > 1 else ""
            told.append(f"breakpoint {hit.breakpoint}: {hit.text}{times}")
    return "; ".join(told)


def met(pass_: Pass | None, hit: Hit) -> str:
    """`h was sent [9, 12]`: the gradient that met the tests of a breakpoint; '' where it has none."""
    node = None if pass_ is None or hit.to is None else pass_.nodes.get(hit.to)
    return "" if node is None else f"{call(node)} was sent {short(hit.value)}"


def leave(trace: Trace, at: Cursor, out: bool) -> Cursor | None:
    """Past the module of the node that runs next (`out`: past the one around it).

    At the end of a pass at the latest; None where that is not received yet.
    """
    pass_ = trace.pass_numbered(at.number)
    if pass_ is None or at.step >= len(pass_.messages):
        return None
    left = to_leave(pass_.nodes[pass_.messages[at.step].node].module, out)
    for step in range(at.step + 1, len(pass_.messages)):
        module = pass_.nodes[pass_.messages[step].node].module
        if left is not None and not inside(module, left):
            return Cursor(at.number, step)
    return None if pass_.ended is None else Cursor(at.number, len(pass_.messages))


def leave_backwards(trace: Trace, at: Cursor, out: bool) -> Cursor | None:
    """Before the module of the node that ran last; None at the start of a pass."""
    pass_ = trace.pass_numbered(at.number)
    if pass_ is None or not at.step:
        return None
    left = to_leave(pass_.nodes[pass_.messages[at.step - 1].node].module, out)
    for step in range(at.step - 1, 0, -1):
        module = pass_.nodes[pass_.messages[step - 1].node].module
        if left is not None and not inside(module, left):
            return Cursor(at.number, step)
    return Cursor(at.number, 0)
