"""Prints as fast as it can, for ever."""

import sys

while True:
    sys.stdout.write("y" * 10_000 + "\n")
