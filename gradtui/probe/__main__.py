"""The started process: take the first command from the inherited descriptor and run the program.

Started by path as `python .../gradtui/probe/__main__.py FD PIPE`, so that neither the working directory
nor this folder stands on the program's `sys.path`. The pipe is for the program's children. With `ready`
after it, torch is loaded before the first command comes: a spare for a lesson that is run again. With
`terminal`, standard input is a terminal that belongs to the program alone.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run one program under the probe."""
    room = os.path.dirname(os.path.abspath(__file__))
    if not getattr(sys.flags, "safe_path", False):
        sys.path.pop(0)  # this folder, which Python put there
    sys.path.insert(0, os.path.dirname(os.path.dirname(room)))
    import atexit

    from gradtui import userapi
    from gradtui.probe import children, program
    from gradtui.probe.descriptors import away
    from gradtui.probe.output import ProgramOutput
    from gradtui.probe.probe import Probe
    from gradtui.wire.channel import Channel, Closed
    from gradtui.wire.messages import VERSION, Begin, Hello, Raised

    sys.path.pop(0)
    channel = Channel(away(int(sys.argv[1])))
    telling = away(int(sys.argv[2]))
    in_terminal = "terminal" in sys.argv[3:]
    if in_terminal:
        _take_terminal()
    if "ready" in sys.argv[3:]:
        _load_torch()
    try:
        begin = channel.receive()
    except Closed:
        return
    assert isinstance(begin, Begin)
    userapi.settings.update(begin.knobs)
    probe = Probe(channel, begin.program, begin.stop, False, begin.stats, begin.twin)
    reporter = probe.reporter
    reporter.stops.attended = begin.attended
    if begin.light:
        reporter.stops.keep_light()
    # Registered first, so called last: threads that outlive the script and the program's own exit
    # handlers are still watched, and what they print keeps its place.
    atexit.register(probe.__exit__, None, None, None)
    ProgramOutput(reporter, in_terminal).__enter__()
    probe.__enter__()
    children.expect(telling)
    reporter.send(Hello(VERSION, begin.program, begin.argv, sys.version.split()[0], os.getpid(), os.getcwd()))
    program.run_as_main(begin, lambda error, text: reporter.send(Raised(error, text)))


def _take_terminal() -> None:
    """Make it the controlling terminal: a session's leader that has none gets the first that it opens."""
    try:
        os.close(os.open(os.ttyname(0), os.O_RDWR))
    except OSError:  # it has no name here; it serves without
        pass


def _load_torch() -> None:
    from gradtui.probe.quietly import load_torch

    try:
        load_torch()
    except ImportError:
        pass  # scalar lessons do without


if __name__ == "__main__":
    main()
