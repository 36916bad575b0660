"""What the program printed, and what went wrong with it."""

from __future__ import annotations

from gradtui.views.rows import Row, row
from gradtui.views.state import State


def rows_of(state: State) -> list[Row]:
    """The output pane: newest line last."""
    trace = state.trace
    log = trace.output
    rows: list[Row] = []
    if log.dropped:
        rows.append(row((f"… {log.dropped:,} earlier lines were let go (a recording keeps them)", "dim")))
    for notice in trace.notices[-20:]:
        rows.append(row(("notice: ", "warn"), notice.message))
    for stream, text in log.lines:
        rows.append(row((text.expandtabs(8).rstrip(), "warn" if stream == "stderr" else "")))
    exited = trace.exited
    if exited is not None and exited.error:
        rows.append(row((f"■ {exited.error}", "bad")))
    if not rows:
        rows.append(row(("nothing printed yet" if exited is None else "nothing was printed", "dim")))
    return rows
