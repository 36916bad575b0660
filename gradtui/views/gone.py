"""What is said of passes that were let go to stay within `--keep`, and what of them is still there."""

from __future__ import annotations

from gradtui.trace import cursor as moves
from gradtui.trace.keep import size_text
from gradtui.views.rows import Row, row, wrapped
from gradtui.views.state import State
from gradtui.views.status import empty

BEGINNING = "This is the very beginning."


def option(state: State) -> str:
    """`--keep 512MB`, as it is set."""
    return f"--keep {size_text(state.trace.passes.keep or 0)}"


def before(state: State) -> str | None:
    """What was let go right before the pass under the cursor; None where nothing was."""
    gone = moves.let_go_before(state.trace, state.cursor)
    if gone is None:
        return None
    first, last = gone
    which = f"Pass {first:,} was" if first == last else f"Passes {first:,}-{last:,} were"
    one = "its loss is" if first == last else "their losses are"
    look = f"go to {last}: to see what is left of it"
    return f"{which} let go ({option(state)}): {one} in the passes pane; {look}"


def beginning(state: State) -> str:
    """Why it goes no further back."""
    return before(state) or BEGINNING


def why(state: State) -> str:
    """Why there is no pass to look at."""
    if not state.gone:
        return "there is no backward pass yet"
    number = state.cursor.number
    return f"pass {number} was let go ({option(state)}): `leaves` and `passes` tell what is left of it"


def missing(state: State, width: int = 80) -> list[Row]:
    """What stands in a pane that has no pass to show."""
    if not state.gone:
        return [empty(state)]
    more = "gradtui open --keep 4GB FILE" if state.recording else "--keep 4GB, or --out FILE records them all"
    rows = [
        row((f"Pass {state.cursor.number:,} was let go ({option(state)}).", "warn")),
        row(("Its loss and its leaves are there: panes passes, leaves.", "dim")),
        row((f"To step through such passes: {more}.", "dim")),
    ]
    return [line for long in rows for line in wrapped(long, width, "  ")]
