"""Writes its process id to the file it is given, then runs a small pass."""

import os
import sys

from gradtui.scalar import Value

with open(sys.argv[1], "w") as file:
    file.write(str(os.getpid()))

a = Value(2.0)
n = a * a
o = n.tanh()
o.backward()
