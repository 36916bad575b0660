"""An excepthook of its own, or (`broken`) one that raises itself."""

import sys
import traceback


def hook(kind, error, trace):
    if sys.argv[1:] == ["broken"]:
        raise RuntimeError("in the hook")
    print("hook:", kind.__name__, error, error.__traceback__ is trace, file=sys.stderr)
    traceback.print_tb(trace)


sys.excepthook = hook
raise ValueError("caught by the hook")
