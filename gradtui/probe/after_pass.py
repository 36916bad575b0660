"""Where the program stands once a pass is over: no node is about to run, but its variables can be read."""

from __future__ import annotations

from collections.abc import Iterable
from types import CodeType, FrameType
from typing import Any

from gradtui.probe.expressions import apart, evaluate
from gradtui.probe.impossible import Impossible
from gradtui.probe.inspecting import answer
from gradtui.wire.messages import Change, Command, Event, Inspect, Replace


class AfterPass:
    """`frame`: of the program's, which called backward; None where that is not known."""

    def __init__(self, frame: FrameType | None) -> None:
        self._frame = frame

    def evaluate(self, code: CodeType) -> Any:
        """The value of an expression there. Raises whatever it raises."""
        with apart():
            return evaluate(code, {}, self._frame)

    def answer(self, command: Command) -> Iterable[Event]:
        """Expressions are evaluated; nothing can be put in the place of anything."""
        match command:
            case Inspect():
                yield answer(command, command.node, {}, self.evaluate, False)
            case Replace() | Change():
                raise Impossible("no node is about to run here: step into the next pass first")
