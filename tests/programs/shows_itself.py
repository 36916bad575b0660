"""What a program can tell about how it was started."""

import os
import sys

print(sys.argv)
print(__name__, __file__, __doc__, __package__, __spec__, __cached__, type(__loader__).__name__, __annotations__)
print(sys.path, os.getcwd())
print(sorted(name for name in globals() if name.startswith("__")))
print(sys.modules["__main__"].__dict__ is globals(), __builtins__)
for stream in (sys.stdin, sys.stdout, sys.stderr):
    print(stream.name, stream.mode, stream.encoding, stream.errors, stream.fileno(), stream.isatty())
print(sys.stdout.buffer.name, sys.stdout.buffer.mode, sys.stdout is sys.__stdout__, sys.stderr is sys.__stderr__)
with open(os.devnull) as file:
    print(file.fileno())
print(sorted(set(os.environ) - {"_"}))
