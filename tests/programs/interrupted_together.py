"""Waits with a child for an interrupt from the keyboard."""

import signal
import subprocess
import sys

CHILD = """
import signal
try:
    print("both wait", flush=True)
    signal.pause()
except KeyboardInterrupt:
    print("the child was interrupted")
"""
child = subprocess.Popen([sys.executable, "-c", CHILD])
try:
    signal.pause()
finally:
    child.wait()
