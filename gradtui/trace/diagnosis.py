"""Which findings a pass gives rise to, as its steps come in.

The rules see a pass after each step and name the first place of each fault. The same fault (same
kind, op and statement at fault, or line of the node where no statement is known) is reported once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from gradtui.trace import rules, stale
from gradtui.trace.compare import sent_for_the_rest
from gradtui.trace.explained import explained
from gradtui.trace.findings import Finding
from gradtui.trace.flow import Flow
from gradtui.trace.model import Pass
from gradtui.trace.scaled import Scaled
from gradtui.wire.messages import Explained, Stepped

if TYPE_CHECKING:
    from gradtui.trace.trace import Trace


class Diagnosis:
    """Asks all rules, and remembers what they need between steps."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._seen: set[tuple[str, str, str | None]] = set()
        self._late: dict[int, Finding] = {}
        """By node: contributions of this pass that came after it had run, and the node not again yet."""
        self._early: set[int] = set()
        """Nodes that were found to have run too early in this pass."""
        self._nested = False
        """Have nodes run inside other nodes in this pass?"""
        self._held_back: list[Finding] = []
        self._sends = False
        """Has a step of this pass sent anything?"""
        self._flow = Flow()
        self._scaled = Scaled()

    def at_begin(self, pass_: Pass) -> list[Finding]:
        """What the graph itself tells: forward values that are not finite."""
        self._late.clear()
        self._held_back.clear()
        self._early.clear()
        self._nested = self._sends = False
        return self._first_of_each(rules.nonfinite_forward(self._trace, pass_))

    def after_step(self, pass_: Pass, step: Stepped) -> list[Finding]:
        """What the step shows. Torch itself accumulates in order and to the right places."""
        if pass_.engine == "torch":
            bad = [
                *rules.made_bad_between(self._trace, pass_, step),
                *rules.nonfinite(self._trace, pass_, step),
            ]
            return [] if bad and self._scaled.excused(self._trace, pass_) else self._first_of_each(bad)
        self._nested = self._nested or step.more
        found: list[Finding] = list(rules.overwritten(self._trace, pass_, step))
        found.extend(self._order(pass_, step))
        found.extend(self._mismatch(pass_, step))
        found.extend(rules.nonfinite(self._trace, pass_, step))
        found.extend(stale.inner_node(self._trace, pass_, step))
        return self._first_of_each(found)

    def at_end(self, pass_: Pass) -> list[Finding]:
        """What only the whole pass shows: contributions that came too late and were never passed on."""
        self._scaled.ended(pass_)
        late = list(self._late.values())
        ended = pass_.ended
        if ended is not None and not any(write.after for write in ended.outside):
            late += self._held_back
        self._late, self._held_back = {}, []
        found = self._first_of_each(late)
        touched = bool(pass_.replaced)  # by the person: torch's own pass had no such gradients
        if not found and not touched and not self._trace.findings and ended is not None and not ended.error:
            found = self._first_of_each(rules.unlike_torch(self._trace, pass_))
        if not touched:
            found += self._first_of_each(self._flow.ended(self._trace, pass_))
        return found

    def explained(self, event: Explained) -> list[Finding]:
        """What the probe has found out."""
        return self._first_of_each(explained(self._trace, event))

    def used_again(self, pass_: Pass, leaves: tuple[int, ...]) -> list[Finding]:
        """Leaves of an earlier pass whose gradient, mixed with a used one, has been used again."""
        return self._first_of_each(stale.used_again(self._trace, pass_, leaves))

    def used_again_long_ago(self, number: int, leaves: tuple[int, ...]) -> list[Finding]:
        """The same of a pass that was let go."""
        return self._first_of_each(stale.used_again_long_ago(self._trace, number, leaves))

    def _mismatch(self, pass_: Pass, step: Stepped) -> list[Finding]:
        """Disagreements with torch, once the engine is seen to send in its steps at all.

        One that gathers its gradients elsewhere and writes them when it is done sends nothing.
        """
        found = list(rules.twin_mismatch(self._trace, pass_, step))
        self._sends = self._sends or any(sent is not None for sent in step.sent)
        if self._sends:
            found, self._held_back = self._held_back + found, []
        else:
            self._held_back += found
            found = []
        return found

    def _order(self, pass_: Pass, step: Stepped) -> Iterator[Finding]:
        """Contributions that arrived at a node that had run already.

        An engine whose nodes run inside each other may still be right: it runs the node again, for
        the late contribution alone. There the verdict waits for that run, or for the pass's end.
        """
        waiting = self._late.pop(step.node, None) if not step.more else None
        if waiting is not None and not sent_for_the_rest(pass_, step):
            yield waiting
        for finding in rules.late_arrivals(self._trace, pass_, step):
            if self._nested:
                self._late.setdefault(finding.node, finding)
            else:
                self._early.add(finding.node)
                yield finding
        if not self._nested and step.node not in self._early:
            yield from rules.ran_again(self._trace, pass_, step)

    def _first_of_each(self, found: Iterable[Finding]) -> list[Finding]:
        new = []
        for finding in found:
            op = "" if finding.kind == stale.KIND else finding.op  # the fault is the pass's, not a node's
            key = (finding.kind, op, finding.culprit or finding.source)
            if key not in self._seen:
                self._seen.add(key)
                new.append(finding)
        return new
