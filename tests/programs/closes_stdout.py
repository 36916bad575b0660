"""Closes its stdout, runs a pass, prints to stderr, and leaves with 6."""

import sys

from small_engine import Value

print("last words")
sys.stdout.close()
(Value(1.0) + Value(2.0)).backward()
print("still here", file=sys.stderr)
sys.exit(6)
