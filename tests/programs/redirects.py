"""Sends its stdout elsewhere at the level of descriptors, and back."""

import os
import sys

print("seen")
sys.stdout.flush()
kept = os.dup(1)
nowhere = os.open(os.devnull, os.O_WRONLY)
os.dup2(nowhere, 1)
print("not seen")
sys.stdout.flush()
os.dup2(kept, 1)
print("seen again")
