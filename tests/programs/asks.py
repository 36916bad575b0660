"""Reads lines until there are no more, and takes each as a number."""

import sys

from gradtui.scalar import Value

print("numbers, please", flush=True)
total = Value(0.0)
for line in sys.stdin:
    total = total + Value(float(line))
    print(f"so far {total.data}", flush=True)
total.backward()
print(f"that was {total.data}")
