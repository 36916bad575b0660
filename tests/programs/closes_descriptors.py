"""Closes every descriptor it did not open, as daemons do, and opens a file of its own."""

import os
import sys

from small_engine import Value

os.closerange(3, 100)
with open(sys.argv[1], "wb", buffering=0) as file:
    print(file.fileno())
    (Value(1.0) + Value(2.0)).backward()
    file.write(b"mine")
print(open(sys.argv[1], "rb").read())
