"""All findings so far, each with its place and its lines."""

from __future__ import annotations

from gradtui.views.rows import Row, Span, Target, row, wrapped
from gradtui.views.state import State


def rows_of(state: State, width: int) -> list[Row]:
    """The findings pane."""
    findings = state.trace.findings
    rows: list[Row] = []
    if not findings:
        sure = "No findings." if state.trace.exited is not None else "No findings so far."
        rows.append(row((sure, "good")))
    for reason, nodes in state.trace.unchecked.items():
        text = f"{nodes:,} node{'' if nodes == 1 else 's'} not compared with torch: {reason}"
        rows += wrapped(row(("! ", "warn"), text), width, "  ")
    for finding in findings:
        here = (finding.pass_number, finding.step) <= (state.cursor.number, state.cursor.step)
        there = Target(finding.pass_number, finding.step) if finding.pass_number else None
        rows.append(
            row(Span(f"⚠ {finding.kind}", "bad" if here else "warn", there), (f"   {finding.where}", "dim"))
        )
        message = row(Span(finding.message, "", there))
        rows += [row("  ", *r) for r in wrapped(message, max(20, width - 2))]
        rows += [row((f"  {what:9}  ", "dim"), line) for what, line in finding.lines]
        rows.append(())
    return rows
