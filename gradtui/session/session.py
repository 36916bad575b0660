"""One run of one program in its own process, driven over the wire.

Single-threaded and never blocking: `pump` reads what has arrived, so the caller's loop (a screen's
or a headless one) stays in charge. The end of a run is the process's wait status, not an end of
file: a forked child may hold the pipes open. What was sent before the end is read first.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gradtui.session.errors import BadInput
from gradtui.session.keeping import Keeper
from gradtui.session.process import Started, Stdin
from gradtui.session.terminal import COLUMNS, Terminal, waits_for_line
from gradtui.session.unheld import Unheld
from gradtui.trace.keep import KEEP
from gradtui.wire.channel import frame
from gradtui.wire.codec import WireError, encode
from gradtui.wire.messages import (
    Begin,
    Break,
    Breakpoint,
    Change,
    Command,
    Edit,
    Event,
    Exited,
    Go,
    Hello,
    Inspect,
    Notice,
    PassBegan,
    PassEnded,
    Pause,
    Raised,
    Replace,
    Stepped,
    Stopped,
    Until,
    Watch,
    Zero,
)

LINGER = 0.5
"""Seconds after the program's end in which what it left running may still print."""
GRACE = 0.5
"""Seconds between asking a program to end and ending it."""


@dataclass(frozen=True)
class Plan:
    """What to run and how."""

    path: Path
    argv: tuple[str, ...] = ()
    knobs: Mapping[str, str] = field(default_factory=dict)
    stop: bool = True
    """Stop before the first node of the first pass."""
    stats: Literal["auto", "full"] = "auto"
    twin: bool = True
    record: Path | None = None
    """Write the stream to this file as well; an older one is replaced once the program has started."""
    stdin: Stdin = "none"
    """What the program reads."""
    name: str | None = None
    """The path as the person wrote it, which becomes `sys.argv[0]`; None for `path`."""
    edits: tuple[Edit, ...] = ()
    """Literals of the file that read otherwise in this run."""
    breakpoints: tuple[Breakpoint, ...] = ()
    watches: tuple[str, ...] = ()
    """Expressions that are evaluated at every stop."""
    module: str = ""
    """Run as `python -m MODULE` does, where `path` is the module's file; '' runs the file."""
    columns: int = COLUMNS
    """Of the program's terminal, where it has one."""
    light: bool = False
    """Passes before the first stop are not recorded but for their loss."""
    attended: bool = True
    """Is there a person to stop for? False: `gradtui.breakpoint()` goes on."""
    keep: int = KEEP
    """Bytes for the passes that one travels in."""
    told: tuple[str, ...] = ()
    """Notices that the run begins with."""

    @property
    def title(self) -> str:
        """What to call the program: the file's name or the module's."""
        return self.module or self.path.name


class Session:
    """A started program. Feed its events to a trace; tell it to go on; end it."""

    def __init__(self, plan: Plan, spare: Started | None = None) -> None:
        """`spare`: a process that stands ready for it."""
        self.plan = plan
        self.exited: Exited | None = None
        """The last event, once the program has ended."""
        self.stopped: Stopped | None = None
        """The stop the program stands at, None while it runs."""
        self._pausing = False
        """Has it been told to pause, and not stopped since?"""
        self._unsent = bytearray()
        """Of commands: what the program has had no room for yet."""
        self._first: list[Event] = [Notice(text) for text in plan.told]
        self._points = plan.breakpoints
        self._unheld = Unheld()
        self._passes = self._steps = 0
        self._open_passes: set[int] = set()
        self._error: str | None = None
        self._greeted = False
        self._killed = False
        self._ended_at: float | None = None
        self._keeper = Keeper(plan.record) if plan.record else None
        self._started = spare or Started(plan.stdin)
        self._process, self._socket = self._started.process, self._started.socket
        self._incoming = self._started.incoming()
        self.resize(plan.columns)
        name = plan.name or str(plan.path)
        knobs = dict(plan.knobs)
        self._command(
            Begin(
                name,
                plan.argv,
                knobs,
                plan.stop,
                plan.stats,
                plan.twin,
                plan.edits,
                plan.module,
                plan.attended,
                plan.light,
            )
        )
        if plan.breakpoints:
            self._command(Break(plan.breakpoints))
        if plan.watches:
            self._command(Watch(plan.watches))

    # --------------------------------------------------------------- reading

    def descriptors(self) -> list[int]:
        """What a loop may watch to learn when `pump` has something to read."""
        return [] if self.exited is not None else self._incoming.descriptors()

    def pump(self, timeout: float = 0.0) -> list[Event]:
        """What has arrived, waiting up to `timeout` seconds for the first of it; [] if nothing did.

        Once the program has ended and everything is read, the last event is `Exited`. What was
        returned is in the recording's file.
        """
        if self.exited is not None:
            return []
        self._flush()
        self._wait(0.0 if self._first else timeout)
        ended = self._process.poll() is not None  # asked before reading: what it sent is there by now
        if ended and self._ended_at is None:
            self._ended_at = time.monotonic()
        events = [*self._first, *self._read()]
        self._first.clear()
        self._flush()
        for event in events:
            self._note(event)
        if ended and self._incoming.drained and (not self._incoming.held or self._waited_enough()):
            events += self._farewell()
        if self._keeper:
            events = self._keeper.keep(events)
        if self.exited is not None:
            self._release()
        return events

    def _wait(self, timeout: float) -> None:
        if self._incoming.descriptors():
            self._incoming.wait(timeout, bool(self._unsent))
        elif timeout:  # it has closed everything: only its end is left to wait for
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                pass

    def _waited_enough(self) -> bool:
        """May we leave while others still hold the pipes? At once if we ended the program ourselves."""
        return self._killed or time.monotonic() - (self._ended_at or 0.0) > LINGER

    def _read(self) -> list[Event]:
        try:
            return self._incoming.read()
        except WireError as error:
            self.kill()
            return [Notice(f"the program's stream broke off: {error}")]

    def _note(self, event: Event) -> None:
        self._unheld.note(event, self._points)
        match event:
            case Hello():
                self._greeted = True
            case PassBegan():
                self.stopped = None
                self._passes += 1
                self._open_passes.add(event.number)
            case Stepped():
                self.stopped = None
                self._steps += 1
            case PassEnded():
                self.stopped = None
                self._open_passes.discard(event.number)
            case Stopped():
                self.stopped, self._pausing = event, False
            case Notice() if event.left:
                self.stopped = None
            case Raised():
                self._error = event.error

    # --------------------------------------------------------------- the end

    def _farewell(self) -> list[Event]:
        """The last events: what the pipes still hold, whom the program left behind, how it ended."""
        events: list[Event] = []
        if self._incoming.held and not self._killed:
            self._signal_group(signal.SIGKILL)
            events.append(
                Notice(
                    "the program left other processes running; those of its process group were ended with it"
                )
            )
        events += self._incoming.finish()
        code = self._process.wait()
        self.stopped = None
        events += map(Notice, self.unheld())
        self.exited = Exited(code, self._passes, self._steps, self._cause(code))
        return [*events, self.exited]

    def unheld(self) -> list[str]:
        """What is to be said of breakpoints that never held, once the program has come to its end."""
        return self._unheld.told(self._points) if self._greeted and not self._killed else []

    def _cause(self, code: int) -> str | None:
        """Why the program ended, None if it came to its end by itself."""
        if self._killed:
            return "ended by the debugger"
        if self._error is not None:
            return self._error
        if code < 0:
            return f"killed by signal {-code} ({_signal_name(-code)})"
        if not self._greeted:
            return "the program could not be started; its messages are in its output"
        if self._open_passes:
            return f"ended inside pass {max(self._open_passes)}, without an exception"
        return None

    def _release(self) -> None:
        self._incoming.close()
        self._started.release()

    # --------------------------------------------------------------- driving

    def go(self, until: Until, node: int = 0) -> None:
        """Leave the stop; `node` is where `until="node"` goes."""
        if self.stopped is not None:
            self.stopped = None
            self._command(Go(until, node))

    def set_breakpoints(self, points: tuple[Breakpoint, ...]) -> None:
        """These are the breakpoints from now on, whether the program runs or stands."""
        if self.exited is None:
            self._points = points
            self._command(Break(points))

    def pause(self) -> None:
        """Stop before the next node, where the program runs. Once is enough until it has stopped."""
        if self.stopped is None and self.exited is None and not self._pausing:
            self._pausing = True
            self._command(Pause())

    def zero(self) -> None:
        """Zero the gradients that the nodes of the pass hold; where the program stands at its start."""
        if self.stopped is not None and self.stopped.step == 0:
            self._command(Zero())

    def ask(self, command: Inspect | Replace | Change) -> bool:
        """Ask for something where the program stands; False where it does not."""
        if self.stopped is not None:
            self._command(command)
        return self.stopped is not None

    def watch(self, expressions: tuple[str, ...]) -> None:
        """Have these evaluated at every stop from now on, and at this one."""
        if self.exited is None:
            self._command(Watch(expressions))

    def type(self, text: str) -> None:
        """Let the program read this. Raises `BadInput` where it reads nothing that is typed."""
        self._terminal().type(text)

    def end_input(self) -> None:
        """Let the program find an end of file. Raises `BadInput` like `type`."""
        self._terminal().end_of_file()

    @property
    def secret(self) -> bool:
        """Does the program read a line that it does not show, a password say?"""
        terminal = self._started.terminal
        return terminal is not None and self.exited is None and terminal.secret

    @property
    def reading(self) -> bool:
        """Does the program wait for a line to be typed? False too where the system does not tell."""
        if self._started.terminal is None or self.stopped is not None or self.exited is not None:
            return False
        return self.secret or waits_for_line(self._process.pid)

    def resize(self, columns: int) -> None:
        """Tell the program how wide its terminal is, where it has one."""
        if self._started.terminal is not None and self.exited is None:
            self._started.terminal.resize(columns)

    def _terminal(self) -> Terminal:
        terminal = self._started.terminal
        if terminal is None or self.exited is not None:
            raise BadInput("the program's input is closed")
        return terminal

    def _command(self, command: Command) -> None:
        """Send a command. A running program may have no room for it: the rest goes when `pump` is called."""
        self._unsent += frame(encode(command))
        self._flush()

    def _flush(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent, socket.MSG_DONTWAIT)]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()  # the program is gone; its wait status will say how

    def signal(self, number: int) -> None:
        """Pass a signal on to the program."""
        if self.exited is None and self._process.poll() is None:
            self._process.send_signal(number)

    def interrupt(self) -> bool:
        """As Ctrl-C at its terminal: it and what it started are sent SIGINT. False where it is gone."""
        if self.exited is not None or self._process.poll() is not None:
            return False
        self._signal_group(signal.SIGINT)
        return True

    def kill(self) -> None:
        """End the program and everything it started. Returns when it is gone."""
        if self.exited is not None:
            return
        self._killed = self._killed or self._process.poll() is None
        self._signal_group(signal.SIGTERM)
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            pass
        self._signal_group(signal.SIGKILL)
        self._process.wait()

    def _signal_group(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    def close(self) -> None:
        """Kill the program and read what it left; the recording is whole afterwards."""
        self.kill()
        while self.exited is None:
            self.pump(0.01)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
