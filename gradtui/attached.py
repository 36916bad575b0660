"""`gradtui.breakpoint()`: stop at the next pass, in a program that was started without gradtui.

The probe and the program's end of the stream live in this process; the screen runs in a child on this
terminal. Between a `c` and the next call nothing is watched.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import threading
import traceback
from types import TracebackType

from gradtui.probe.descriptors import away
from gradtui.probe.holding import Holding
from gradtui.probe.probe import Probe, watching
from gradtui.probe.program import hide_us
from gradtui.probe.screen import ScreenChannel
from gradtui.wire.messages import VERSION, Hello, Raised
from gradtui.wire.smallest import SMALLEST

_DEBUGGER = (
    "import sys; sys.path[:] = [{home!r}, *filter(None, sys.path)]; from gradtui.cli import attach; attach()"
)
"""Nothing of the working directory may stand in for a module of ours or of Python's."""


class Attachment:
    """A debugger in the program's own terminal, and the probe that it looks through."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        holding = Holding()
        ours, theirs = socket.socketpair()
        ours = socket.socket(fileno=away(ours.detach()))
        program = str(getattr(sys.modules.get("__main__"), "__file__", None) or "python")
        try:
            self._process = _start(theirs, terminal, holding, program)
        finally:
            theirs.close()
        self._channel = ScreenChannel(ours, terminal, holding, self._process, self._rest)
        home = threading.main_thread().ident
        self._probe = Probe(self._channel, program, scan=True, home=home)
        self._probe.reporter.stops.attended = True
        self._probe.__enter__()
        self._probe.reporter.send(
            Hello(
                VERSION,
                program,
                tuple(map(str, sys.argv[1:])),
                sys.version.split()[0],
                os.getpid(),
                os.getcwd(),
            )
        )
        atexit.register(self._end)
        _hide_us_in_tracebacks()
        self._watched = True

    def halt(self) -> None:
        """Stop at the next pass."""
        if self._channel.gone:
            return
        self._channel.wanted()
        if not self._watched:
            self._wake()
        self._probe.reporter.stops.halt()

    def _wake(self) -> None:
        reporter = self._probe.reporter
        self._watched = True
        self._probe.wake()
        count, reporter.unwatched = reporter.unwatched, 0
        if count:
            passes = "1 pass" if count == 1 else f"{count:,} passes"
            reporter.notice(f"{passes} ran unwatched before this stop.")

    def _rest(self, over: bool) -> None:
        self._watched = False
        self._probe.rest(counting=not over)

    def abandon(self) -> None:
        """In a forked child: the debugger is the parent's."""
        self._channel.close()

    def _end(self) -> None:
        """The program ends. A screen that is shown stays until the person has seen enough."""
        if self._channel.gone:
            return
        self._probe.__exit__(None, None, None)
        error = getattr(sys, "last_value", None)
        if self._channel.shown and isinstance(error, BaseException):
            text = "".join(traceback.format_exception(error))
            self._channel.send(Raised(text.strip().splitlines()[-1], text))
        self._channel.leave()


def _start(theirs: socket.socket, terminal: int, holding: Holding, program: str) -> subprocess.Popen[bytes]:
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    held = [f"{source}:{target}" for source, target in holding.places]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONINSPECT"}
    return subprocess.Popen(
        [sys.executable, "-c", _DEBUGGER.format(home=home), str(theirs.fileno()), program, *held],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        pass_fds=[theirs.fileno(), *holding.descriptors],
        env=environment,
    )


def _hide_us_in_tracebacks() -> None:
    """What ends the program is printed as without us."""
    hook = sys.excepthook

    def show(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
        hide_us(error)
        hook(kind, error, error.__traceback__)

    sys.excepthook = show


# ---------------------------------------------------------------- the call

_attachment: Attachment | None = None
_told = False
_forked = False
_lock = threading.RLock()  # a signal handler may call while a call is under way


def breakpoint(*_: object, **__: object) -> None:
    """Stop at the next backward pass, in gradtui's screen.

    In a program started by plain `python` the screen opens in its terminal: `c` gives the terminal back
    until the next call, `q` lets the program go on for good. Under `gradtui run` the program stops at its
    next pass. Where there is no terminal, that is said once on stderr, and the program goes on. Takes what
    the built-in `breakpoint()` hands on (`PYTHONBREAKPOINT=gradtui.breakpoint`) and ignores it.
    """
    with _lock:
        try:
            _halt()
        except Exception as error:  # noqa: BLE001  # a fault of ours, or the system refuses
            _tell_once(f"{type(error).__name__}: {error}")


def _halt() -> None:
    """Have the program stop at its next pass, or say why it does not."""
    global _attachment
    if _attachment is not None:
        _attachment.halt()
        return
    probes = watching()
    attended = [probe.reporter.stops for probe in probes if probe.reporter.stops.attended]
    if attended:
        attended[0].halt()
        return
    terminal, why = (None, "its passes are being recorded") if probes else _terminal()
    if terminal is None:
        _tell_once(why)
        return
    _attachment = Attachment(terminal)
    _attachment.halt()


def _terminal() -> tuple[int | None, str]:
    """The terminal in which a screen can open; None and why not."""
    multiprocessing = sys.modules.get("multiprocessing")
    if _forked or (multiprocessing is not None and multiprocessing.parent_process() is not None):
        return None, "this is a child process"
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return None, "it runs under nohup"
    try:
        terminal = away(os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return None, "there is no terminal"
    why = _unfit(terminal)
    if why:
        os.close(terminal)
        return None, why
    return terminal, ""


def _unfit(terminal: int) -> str:
    """Why a terminal cannot show the screen; '' where it can."""
    if os.tcgetpgrp(terminal) != os.getpgrp():
        return "it runs in the background of its terminal"
    if _is_pane():
        return "it was started by a program under gradtui"
    if os.environ.get("TERM", "dumb") == "dumb":
        return "the terminal cannot be drawn on (TERM is dumb)"
    columns, lines = os.get_terminal_size(terminal)
    if columns < SMALLEST[0] or lines < SMALLEST[1]:
        return f"the terminal is {columns}x{lines}; the screen needs {SMALLEST[0]}x{SMALLEST[1]}"
    return ""


def _is_pane() -> bool:
    """Is the terminal the output pane of a debugger? Told by the leader of its session (Linux)."""
    try:
        with open(f"/proc/{os.getsid(0)}/cmdline", "rb") as command:
            return os.path.join("gradtui", "probe", "__main__.py").encode() in command.read()
    except OSError:
        return False


def _tell_once(why: str) -> None:
    global _told
    if not _told and sys.stderr is not None:
        print(f"gradtui: breakpoint() does not stop the program: {why}", file=sys.stderr)
    _told = True


def _in_child() -> None:
    """A forked child has no debugger; and the lock may have been another thread's."""
    global _attachment, _forked, _lock
    if _attachment is not None:
        _attachment.abandon()
    _attachment, _forked, _lock = None, True, threading.RLock()


os.register_at_fork(after_in_child=_in_child)
