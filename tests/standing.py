"""A function run under the probe in this process, stopped, and told by a script what to do at each stop."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from gradtui.probe.probe import Probe
from gradtui.trace import Trace
from gradtui.wire.codec import decode_event, encode
from gradtui.wire.messages import Command, Event, Go

Script = Generator[Command, list[Event], None]
"""Yields a command, gets the events that came of it. When it is over, the program runs to its end."""


class Scripted:
    """The debugger's side of the stream; events are encoded and decoded on their way."""

    def __init__(self, script: Callable[[Trace], Script]) -> None:
        self.trace = Trace()
        self._script = script(self.trace)
        self._came: list[Event] = []
        self._begun = False

    def send(self, event: Event) -> None:
        event = decode_event(encode(event))
        self.trace.fold(event)
        self._came.append(event)

    def receive(self) -> Command:
        came, self._came = self._came, []
        try:
            command = self._script.send(came) if self._begun else next(self._script)
        except StopIteration:
            return Go("end")
        self._begun = True
        return command

    def waiting(self) -> bool:
        return False

    def close(self) -> None:
        pass


def stand(
    program: Callable[[], Any], script: Callable[[Trace], Script], twin: bool = False
) -> tuple[Trace, Any]:
    """The trace of a run under a script, and what the function returned."""
    outlet = Scripted(script)
    with Probe(outlet, stop=True, scan=True, twin=twin):
        result = program()
    return outlet.trace, result
