"""The one thin door: takes the command line and calls the face that was asked for."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from io import TextIOWrapper

from gradtui.cli import checks, commands
from gradtui.cli.grammar import parser
from gradtui.session.errors import BadInput
from gradtui.wire.codec import BadRecording


def main(argv: Sequence[str] | None = None) -> None:
    """Run gradtui and leave with its exit code."""
    _ready_streams()
    given = sys.argv[1:] if argv is None else argv
    try:
        if len(given) == 1 and os.path.isdir(given[0]):
            code = commands.pick_in_folder(given[0])
        else:
            checks.command(given)
            arguments = parser().parse_args(given)
            code = arguments.do(arguments)
        sys.stdout.flush()
    except (BadInput, BadRecording) as error:
        print(f"gradtui: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except BrokenPipeError:  # `gradtui ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 128 + signal.SIGPIPE
    if len(threading.enumerate()) > 1:  # Textual's, left behind at a terminal that is gone: they would spin
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def attach() -> None:
    """Started by `gradtui.breakpoint()`: descriptor, program and held output stand on the command line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from gradtui.tui import attached

    attached.keep_out_of_the_way()
    descriptor, program, *held = sys.argv[1:]
    pairs = [pair.split(":") for pair in held]
    sys.exit(attached.serve(program, int(descriptor), [(int(read), int(to)) for read, to in pairs]))


def _ready_streams() -> None:
    """Programs may print what our own streams cannot show; and those may be closed (`>&-`)."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
