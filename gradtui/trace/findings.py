"""What a finding is. The rules that make them are in `rules.py`, `stale.py`, `flow.py` and `explained.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradtui.trace.model import Pass
from gradtui.wire.messages import Node, Place

if TYPE_CHECKING:
    from gradtui.trace.trace import Trace


@dataclass(frozen=True, slots=True)
class Finding:
    """A diagnosis: kind, node, lines and the numbers behind it."""

    kind: str
    pass_number: int
    """0 before the first pass."""
    step: int
    """0 when it was there before the first step."""
    node: int
    """0 where it speaks of none: of a pass that could not begin, of a parameter that no pass reaches."""
    op: str
    name: str | None
    source: str | None
    """`file:line` that made the node."""
    culprit: str | None
    """`file:line` of the statement at fault."""
    message: str
    module: str | None = None
    """The module that the node was made in; of a leaf, the one that it belongs to."""

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Its lines and what each is: `at fault`, and `node made` where that is another."""
        inside = f" in {self.module}" if self.module else ""
        if self.culprit and self.culprit == self.source:
            return [("at fault", self.culprit + inside)]
        found = [("at fault", self.culprit)] if self.culprit else []
        made = "node made" if self.node else "made at"
        return [*found, (made, self.source + inside)] if self.source else found

    @property
    def where(self) -> str:
        """`at 2:7`; where it speaks of no node, behind which pass it was found."""
        if self.node:
            return f"at {self.pass_number}:{self.step}"
        return f"after pass {self.pass_number}" if self.pass_number else "before the first pass"


def finding_at(
    trace: Trace, kind: str, pass_: Pass, step: int, node: Node, culprit: Place | None, message: str
) -> Finding:
    return Finding(
        kind,
        pass_.number,
        step,
        node.id,
        node.op,
        node.name,
        trace.source_of(node),
        trace.show_place(culprit),
        message,
        node.module,
    )
