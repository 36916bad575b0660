"""Bytes that are no UTF-8, by Python and past it, and a character cut in two."""

import os
import sys

sys.stdout.buffer.write(b"by Python: \xff\xfe, ")
sys.stdout.buffer.write(b"\xe2\x82")
sys.stdout.flush()
sys.stdout.buffer.write(b"\xac\n")
sys.stdout.flush()
os.write(2, b"past it: \xff \xe2\x82")
