"""As many passes as the first argument says, over chains of as many nodes as the second says."""

import sys

from small_engine import Value

passes, length = map(int, sys.argv[1:])
for _ in range(passes):
    one = y = Value(1.0)
    for _ in range(length - 1):
        y = y + one
    y.backward()
print(one.grad)
