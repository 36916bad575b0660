"""Runs passes until it is interrupted; says so where it is asked to, else lets Python say it."""

import atexit
import sys

from small_engine import Value

atexit.register(print, "at exit")
try:
    print("ready", flush=True)
    while True:
        (Value(1.0) + Value(2.0)).backward()
except KeyboardInterrupt:
    if sys.argv[1:] == ["politely"]:
        print("interrupted")
        sys.exit(5)
    raise
