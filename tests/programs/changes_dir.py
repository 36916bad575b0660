"""Goes to another directory before its first pass, and imports a sibling from there."""

import os

os.chdir("/")
from small_engine import Value

(Value(1.0) + Value(2.0)).backward()
print(os.getcwd())
1 / 0
