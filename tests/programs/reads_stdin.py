"""Asks and reads."""

import sys

name = input("name? ")
print(f"hello {name}, {len(sys.stdin.read())} characters more")
