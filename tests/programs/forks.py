"""Forks; parent and child both run a pass, the child's own exit code is 4."""

import os
import sys

from small_engine import Value

a = Value(3.0)
(a * a).backward()
child = os.fork()
if child == 0:
    (a * a).backward()
    print("child:", a.grad)
    sys.exit(4)
_, status = os.waitpid(child, 0)
(a * a).backward()
print("parent:", a.grad, os.waitstatus_to_exitcode(status))
