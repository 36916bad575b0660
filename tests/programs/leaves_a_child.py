"""Ends while a child of its own lives on: silent, or (`talking`) printing for ever."""

import os
import sys
import time

child = os.fork()
if child == 0:
    while True:
        if sys.argv[1:] == ["talking"]:
            os.write(1, b"child " * 1000)
        else:
            time.sleep(1)
print("child", child)
