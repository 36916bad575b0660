"""Megabytes on both streams, in lines and in one piece, and a last word without a newline."""

import sys

line = "x" * 79 + "\n"
for _ in range(13_000):
    sys.stdout.write(line)
sys.stderr.write("e" * 1_500_000 + "\n")
sys.stdout.write("o" * 1_500_000)
print("\u2028\x85\x0c end", end="")
