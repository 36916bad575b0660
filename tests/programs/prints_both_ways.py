"""Prints by Python and past it, in turns."""

import os
import sys

for number in range(300):
    print(f"{3 * number}")
    os.write(1, f"{3 * number + 1}\n".encode())
    print(f"{3 * number + 2}", file=sys.stderr)
