"""The graph of a pass by execution order: the steps that the engine took, then the nodes that wait."""

from __future__ import annotations

from array import array
from bisect import bisect_right

from gradtui.trace import Pass
from gradtui.views.fold import Folding

FEW = 64
"""New steps whose nodes are taken out of the waiting ones one by one."""


def expected_order(shown: Pass) -> array[int]:
    """The nodes in the order in which an engine may run them: each behind all that send to it.

    The reverse of the order in which a depth-first walk leaves them, which is how scalar engines go
    about it. Torch runs a leaf as soon as all has come that is sent to it. Where branches are
    independent of each other, the real order may differ.
    """
    nodes = shown.nodes
    left: list[int] = []
    seen: set[int] = set()
    stack = list(reversed(shown.began.roots))
    while stack:
        number = stack.pop()
        if number < 0:
            left.append(~number)
        elif number not in seen:
            seen.add(number)
            stack.append(~number)
            stack.extend([t for t in reversed(nodes[number].inputs) if t is not None and t not in seen])
    left.reverse()
    if len(left) < len(nodes):
        left.extend([number for number in nodes if number not in seen])
    return array("q", left) if shown.engine == "scalar" else _leaves_at_once(shown, left)


def _leaves_at_once(shown: Pass, order: list[int]) -> array[int]:
    nodes = shown.nodes
    waits = {number: 0 for number in order if nodes[number].leaf}
    for node in nodes.values():
        for target in node.inputs:
            if target in waits:
                waits[target] += 1
    result = array("q", [number for number, senders in waits.items() if not senders])
    for number in order:
        if number in waits:
            continue
        result.append(number)
        for target in nodes[number].inputs:
            if target in waits:
                waits[target] -= 1
                if not waits[target]:
                    result.append(target)
    return result


class Order(Folding):
    """A row a step, then a row for each node that has not run. Nothing folds."""

    def __init__(self, shown: Pass) -> None:
        super().__init__()
        self._shown = shown
        self._rest = expected_order(shown)
        self._steps = 0
        self.node.extend(self._rest)
        if not self.catch_up():
            self._reshape()

    def catch_up(self) -> bool:
        """Take in the steps that have come; True when there were any."""
        new = [message.node for message in self._shown.messages[self._steps :]]
        if not new:
            return False
        ran = set(new)
        if len(ran) > FEW:
            self._rest = array("q", [n for n in self._rest if n not in ran])
        else:
            for number in ran.intersection(self._rest):
                self._rest.remove(number)
        del self.node[self._steps :]
        self.node.extend(new)
        self.node.extend(self._rest)
        self._steps += len(new)
        self._reshape()
        return True

    def _reshape(self) -> None:
        count = len(self.node)
        if len(self.parent) != count:
            self.parent = array("i", [-1]) * count
            self.end = array("i", range(1, count + 1))
            self._children = array("i", bytes(4 * count))
            self.collapsed = bytearray(count)
            self.visible = range(count)

    @property
    def steps(self) -> int:
        """Rows that are steps; row 0 is step 1."""
        return self._steps

    def row_of(self, node: int, step: int) -> int:
        """The row of the step at which a node ran: the last up to `step`, else its next one."""
        runs = self._shown.runs.get(node)
        if runs:
            at = bisect_right(runs, step)
            run = runs[at - 1] if at else runs[0]
            return run - 1 if run <= self._steps else -1
        try:
            return self._steps + self._rest.index(node)
        except ValueError:
            return -1

    def line_of(self, row: int) -> int:
        """Every row can be seen."""
        return row if 0 <= row < len(self.node) else -1
