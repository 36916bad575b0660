"""What is loaded before a program's first line."""

import sys

print("\n".join(sys.modules))
