"""Loops for ever, without a backward; with `deaf` it does not let itself be asked to end."""

import signal
import sys

if sys.argv[1:] == ["deaf"]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("looping", flush=True)
while True:
    pass
