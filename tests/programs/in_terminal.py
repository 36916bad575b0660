"""Talks with a person at a terminal."""

import getpass
import os
import subprocess
import sys

print([os.isatty(n) for n in range(3)], sys.stdout.isatty(), os.get_terminal_size())
print(os.getsid(0) == os.getpid(), os.tcgetpgrp(0) == os.getpgrp())
print("hello", input("name? "))
print("age? ", end="", flush=True)
print(int(sys.stdin.readline()) + 1, file=sys.stderr)
subprocess.run([sys.executable, "-c", "print('a child hears', input('more? '))"], check=True)
print(len(getpass.getpass()), "characters")
print("the rest:", sys.stdin.read())
