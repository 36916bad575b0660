"""The started process: take the first command from the inherited descriptor and run the program.

Started by path as `python .../gradtui/probe/__main__.py FD`, so that neither the working directory
nor this folder stands on the program's `sys.path`.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run one program under the probe."""
    room = sys.path.pop(0)  # this folder, which Python put there
    package_home = os.path.dirname(os.path.dirname(room))
    sys.path.insert(0, package_home)
    from gradtui import userapi
    from gradtui.probe import program
    from gradtui.probe.probe import Probe
    from gradtui.wire.channel import Channel, Closed
    from gradtui.wire.messages import VERSION, Begin, Hello, Raised

    sys.path.pop(0)
    descriptor = int(sys.argv[1])
    os.set_inheritable(descriptor, False)
    channel = Channel(descriptor)
    try:
        begin = channel.receive()
    except Closed:
        return
    assert isinstance(begin, Begin)
    userapi.settings.update(begin.knobs)
    path = begin.program
    sys.path.insert(0, os.path.dirname(os.path.realpath(path)))
    with Probe(channel, path, begin.stop, False, begin.stats, begin.twin) as probe:
        probe.reporter.send(
            Hello(VERSION, path, begin.argv, sys.version.split()[0], os.getpid(), os.getcwd())
        )
        program.run_as_main(
            path, begin.argv, lambda error, text: probe.reporter.send(Raised(error, text))
        )


if __name__ == "__main__":
    main()
