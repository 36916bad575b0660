"""All findings so far, each with its place and its lines."""

from __future__ import annotations

from collections.abc import Sequence

from gradtui.views.rows import Row, Span, Target, row, wrapped
from gradtui.views.state import State

HERE = "▶"
"""Stands before a finding of the step that is shown."""


def line_of_here(rows: Sequence[Row]) -> int | None:
    """The first row of a finding at the cursor, None where there is none."""
    return next((i for i, r in enumerate(rows) if r and r[0].text.startswith(f"{HERE} ")), None)


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
        at, here = (finding.pass_number, finding.step), (state.cursor.number, state.cursor.step)
        there = Target(*at) if finding.pass_number else None
        mark = HERE if at == here else "⚠"
        rows.append(
            row(
                Span(f"{mark} {finding.kind}", "bad" if at <= here else "warn", there),
                (f"   {finding.where}", "dim"),
            )
        )
        message = row(Span(finding.message, "", there))
        rows += [row("  ", *r) for r in wrapped(message, max(20, width - 2))]
        rows += [row((f"  {what:9}  ", "dim"), line) for what, line in finding.lines]
        rows.append(())
    return rows
